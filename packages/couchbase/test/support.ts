import type { BankContext } from 'connect-databank/backend'
import { type Cluster, connect } from 'couchbase'
import { server } from '../../../testing/servers/index.js'

const found = server('couchbase') as { url?: string; missing?: string }

/** Why tests that need the server are skipped. */
export const missing = found.missing
/** The address in COUCHBASE_URL. */
export const realCluster = found.url

export const HOUR = 3_600_000
export const inAnHour = (): number => Date.now() + HOUR
export const entry = (payload: string) => ({ payload, expires: inAnHour() })

/** A machine that runs all tests at once takes its time to connect. */
export const patient = { connectTimeout: 25_000 }

let prefixes = 0

/** A prefix that no other test uses. */
export function nextPrefix(): string {
  return `${process.pid}-${Date.now()}-${prefixes++}:`
}

/** A context that writes warnings down. */
export function contextWith({ timeout = 5_000 } = {}): BankContext {
  return { timeout, warn: () => undefined }
}

/** A cluster of the test's own, at the address of a helper for servers. */
export function connectCluster(url: string, options: object = {}): Promise<Cluster> {
  const address = url.replace(/\/\/.*@/, '//').replace(/\/default$/, '')
  return connect(address, { username: 'user', password: 'password', timeouts: { bootstrapTimeout: 25_000 }, ...options })
}
