// The conformance suites on banks that are made for one check each. Every check has a prefix of its own, so that checks can run side by
// side: many of them wait for an expiry.
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { RedisBank, type RedisBankOptions, RedisStore } from '../src/index.ts'

let prefixes = 0

/** Runs the suite for banks. `options` is called when a check begins. */
export function conformance(options: () => RedisBankOptions): void {
  bankConformance(
    { describe, it: it.concurrent },
    { open: async () => opened((own) => new RedisBank({ ...options(), ...own }), 'bank'), expiresByOwnClock: true },
  )
}

/** Runs the suite for stores. */
export function conformanceOfStore(options: () => RedisBankOptions): void {
  storeConformance(
    { describe, it: it.concurrent },
    { open: async () => opened((own) => new RedisStore({ ...options(), ...own }), 'store') },
  )
}

function opened<Thing extends { close(): Promise<void> }, Name extends string>(
  make: (options: RedisBankOptions) => Thing,
  name: Name,
) {
  const prefix = `suite*${prefixes++}:`
  const things: Thing[] = []
  const open = () => {
    const thing = make({ prefix })
    things.push(thing)
    return thing
  }
  return {
    ...({ [name]: open() } as Record<Name, Thing>),
    another: async () => open(),
    close: async () => void (await Promise.all(things.map((thing) => thing.close()))),
  }
}
