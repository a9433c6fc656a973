import { type Entry, newEntry } from 'connect-databank'
import type { Commands } from './commands.ts'
import { indexKeyOf } from './keys.ts'
import type { Reader } from './reader.ts'
import type { Register } from './register.ts'
import { withoutRepeats } from './scanning.ts'
import { PURGE, TOUCH_MANY } from './scripts.ts'
import { Swapper } from './swapper.ts'
import { lifetime, NEVER, timeOf, touching } from './words.ts'

/** Keys that are written by themselves, and found by looking at every key of the database. */
export class Keyspace implements Register {
  readonly #prefix: string
  readonly #commands: Commands
  readonly #reader: Reader
  readonly #swapper: Swapper

  constructor(prefix: string, commands: Commands, reader: Reader) {
    this.#prefix = prefix
    this.#commands = commands
    this.#reader = reader
    this.#swapper = new Swapper(commands)
  }

  save(key: string, { payload, expires }: Entry): Promise<unknown> {
    return this.#commands.send(['SET', key, payload, ...lifetime(expires)], key)
  }

  swap(key: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#swapper.swap(key, expected, entry)
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#commands.send(['UNLINK', key], key)) === 1
  }

  touch(key: string, expires: number | null): Promise<unknown> {
    return this.#commands.send(touching(key, expires), key)
  }

  async renew(key: string, expires: number | null): Promise<Entry | null> {
    const words = ['GETEX', key, ...(expires === null ? ['PERSIST'] : lifetime(expires))]
    const payload = (await this.#commands.send(words, key)) as string | null
    return payload === null ? null : newEntry(payload, expires)
  }

  touchMany(keys: readonly string[], expiries: readonly (number | null)[]): Promise<unknown> {
    return this.#commands.inGroups(keys, (group, places) => {
      const times = places.map((place) => expiries[place]!)
      if (group.length === 1) return this.touch(group[0]!, times[0]!)
      return this.#commands.run(TOUCH_MANY, group, times.map(timeOf))
    })
  }

  async *keys(): AsyncGenerator<string[]> {
    const index = indexKeyOf(this.#prefix)
    for await (const keys of withoutRepeats(this.#commands.scan(this.#prefix))) yield keys.filter((key) => key !== index)
  }

  async count(now: number): Promise<number> {
    let living = 0
    for await (const keys of this.keys()) {
      for (const expiry of await this.#reader.expiries(keys)) if (expiry === NEVER || expiry > now) living += 1
    }
    return living
  }

  async clear(): Promise<void> {
    for await (const keys of this.#commands.scan(this.#prefix)) {
      await this.#commands.inGroups(keys, (group) => this.#commands.send(['UNLINK', ...group], group[0]!))
    }
  }

  /** The server frees what is dead by itself: only for a time to come is there anything to do. */
  async purge(now: number): Promise<number> {
    if (now <= Date.now()) return 0
    let purged = 0
    for await (const keys of this.keys()) {
      const counts = await this.#commands.inGroups(keys, (group) => this.#commands.run(PURGE, group, [String(now)]))
      for (const count of counts) purged += count as number
    }
    return purged
  }
}
