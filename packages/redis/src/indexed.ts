import type { Entry } from 'connect-databank'
import type { Commands } from './commands.ts'
import { DROP, MOVE, REVISE, WRITE } from './index-scripts.ts'
import { indexKeyOf } from './keys.ts'
import type { Register } from './register.ts'
import { withoutRepeats } from './scanning.ts'
import type { Script } from './scripts.ts'
import { DIGEST_FROM, sha1 } from './swapper.ts'
import { momentOf, timeOf } from './words.ts'

/** How many members one revision looks at: it blocks the server for all clients as long as it runs. */
const SLICE = 500

/**
 * Keys that are entered in a sorted set, with their deaths for scores, by the very script that writes them. What is not written so
 * is entered when it is next written or touched here. What vanishes by itself stays entered until it would have died, or until
 * the next purge finds it gone.
 */
export class Indexed implements Register {
  readonly #prefix: string
  readonly #commands: Commands
  readonly #index: string

  constructor(prefix: string, commands: Commands) {
    this.#prefix = prefix
    this.#commands = commands
    this.#index = indexKeyOf(prefix)
  }

  save(key: string, entry: Entry): Promise<unknown> {
    return this.#write(key, entry, 'anything')
  }

  swap(key: string, expected: string | null, entry: Entry): Promise<boolean> {
    if (expected === null) return this.#write(key, entry, 'nothing')
    if (expected.length >= DIGEST_FROM) return this.#write(key, entry, 'digest', sha1(expected))
    return this.#write(key, entry, 'payload', expected)
  }

  async #write(key: string, { payload, expires }: Entry, ...condition: string[]): Promise<boolean> {
    return (await this.#run(WRITE, [key], payload, momentOf(expires), ...condition)) === 1
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#run(DROP, [key])) === 1
  }

  touch(key: string, expires: number | null): Promise<unknown> {
    return this.#run(MOVE, [key], timeOf(expires))
  }

  touchMany(keys: readonly string[], expiries: readonly (number | null)[]): Promise<unknown> {
    return this.#commands.inGroups(keys, (group, places) =>
      this.#run(MOVE, group, ...places.map((place) => timeOf(expiries[place]!))),
    )
  }

  async *keys(): AsyncGenerator<string[]> {
    for await (const members of withoutRepeats(this.#commands.members(this.#index))) {
      yield members.map((member) => this.#prefix + member)
    }
  }

  async count(now: number): Promise<number> {
    return (await this.#commands.send(['ZCOUNT', this.#index, `(${now}`, '+inf'], this.#index)) as number
  }

  /** What is entered, and then what was written by others and is not. */
  async clear(): Promise<void> {
    for await (const keys of this.#commands.members(this.#index)) {
      await this.#drop(keys.map((member) => this.#prefix + member))
    }
    for await (const keys of this.#commands.scan(this.#prefix)) await this.#drop(keys.filter((key) => key !== this.#index))
  }

  async #drop(keys: readonly string[]): Promise<void> {
    await this.#commands.inGroups(keys, (group) => this.#run(DROP, group))
  }

  /** What should be dead; and of what never dies, what is gone, for no score tells of that. */
  async purge(now: number): Promise<number> {
    return (await this.#revise('-inf', String(now), now)) + (await this.#revise('+inf', '+inf', now))
  }

  async #revise(from: string, to: string, now: number): Promise<number> {
    let [first, purged] = [0, 0]
    for (;;) {
      const slice = [from, to, String(first), String(SLICE), String(now)]
      const [seen, staying, deleted] = (await this.#run(REVISE, [], ...slice)) as [number, number, number]
      purged += deleted
      first += staying
      if (seen < SLICE) return purged
    }
  }

  #run(script: Script, keys: readonly string[], ...args: string[]): Promise<unknown> {
    return this.#commands.run(script, [this.#index, ...keys], [this.#commands.keyPrefix + this.#prefix, ...args])
  }
}
