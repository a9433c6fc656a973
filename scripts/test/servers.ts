// The servers that examples want, each started once.
import { server } from '../../testing/servers/index.js'

interface Started {
  readonly url: string
  stop(): Promise<void>
}

/** How each server is started, by the name of the package that uses it. */
const starters: Readonly<Record<string, () => Promise<Started>>> = {
  redis: async () => (await import('../../testing/servers/redis.js')).startRedis(),
  mongodb: async () => (await import('../../testing/servers/mongodb.js')).startMongodb(),
  couchbase: async () => (await import('../../testing/servers/couchbase.js')).startCouchbase(),
}

const started = new Map<string, Promise<Started>>()

/** The server that a package's example wants, or undefined. */
export function serverOf(packageName: string): string | undefined {
  return packageName in starters ? packageName : undefined
}

/** Why the server can't be had, or undefined. */
export function missing(name: string): string | undefined {
  return server(name).missing
}

/** The variable that names the running server's address, as the examples read it. */
export async function addressOf(name: string): Promise<Record<string, string>> {
  const start = starters[name]
  if (start === undefined) return {}
  const running = started.get(name) ?? start()
  started.set(name, running)
  return { [`${name.toUpperCase()}_URL`]: (await running).url }
}

export async function stopServers(): Promise<void> {
  const running = [...started.values()]
  started.clear()
  for (const each of running) await (await each).stop()
}
