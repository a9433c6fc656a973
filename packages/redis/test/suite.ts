// The conformance suites on banks that are made for one check each. Every check has a prefix of its own, so that checks can run side by
// side: many of them wait for an expiry.
import { bankConformance, type OpenedStore, storeConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { RedisBank, type RedisBankOptions, RedisStore } from '../src/index.ts'

let prefixes = 0

/** Runs the suite for banks. `options` is called when a check begins. */
export function conformance(options: () => RedisBankOptions): void {
  const open = async () => {
    const { prefix, keep, close } = fresh()
    const another = async () => keep(new RedisBank({ ...options(), prefix }))
    return { bank: await another(), another, close }
  }
  bankConformance({ describe, it: it.concurrent }, { open, expiresByOwnClock: true })
}

/** Runs the suite for stores. */
export function conformanceOfStore(options: () => RedisBankOptions): void {
  const open = async (): Promise<OpenedStore> => {
    const { prefix, keep, close } = fresh()
    const another = async () => keep(new RedisStore({ ...options(), prefix }))
    const configured: OpenedStore['configured'] = async (settings, layer) =>
      keep(new DatabankStore({ ...settings, bank: (context) => layer(new RedisBank({ ...options(), prefix }, context)) }))
    return { store: await another(), another, configured, close }
  }
  storeConformance({ describe, it: it.concurrent }, { open, rounding: 0 })
}

/** A prefix of its own, and what is closed at the end. */
function fresh() {
  const things: { close(): Promise<void> }[] = []
  return {
    prefix: `suite*${prefixes++}:`,
    keep<Thing extends { close(): Promise<void> }>(thing: Thing): Thing {
      things.push(thing)
      return thing
    },
    close: async () => void (await Promise.all(things.map((thing) => thing.close()))),
  }
}
