import { createHash } from 'node:crypto'
import type { Entry } from 'connect-databank'
import type { Commands } from './commands.ts'
import { isServerError } from './failures.ts'
import { type Script, SWAP, SWAP_BY_DIGEST } from './scripts.ts'
import { lifetime, momentOf } from './words.ts'

/**
 * From this length on (UTF-16 units) a swap sends the digest of the text that it expects, and not the text. The text costs both
 * sides less work and the network more: at 1 Gbit/s, 1 ms for 100 kB.
 */
export const DIGEST_FROM = 16_384

/** Compare-and-swap, atomic on the server. */
export class Swapper {
  readonly #commands: Commands
  /** Valkey 8.1 and Redis 8.4 have SET … IFEQ: found out by the first swap. */
  #hasSetIfEqual = true

  constructor(commands: Commands) {
    this.#commands = commands
  }

  swap(key: string, expected: string | null, entry: Entry): Promise<boolean> {
    if (expected === null) return this.#set(key, entry, 'NX')
    if (expected.length >= DIGEST_FROM) return this.#run(SWAP_BY_DIGEST, key, sha1(expected), entry)
    if (!this.#hasSetIfEqual) return this.#run(SWAP, key, expected, entry)
    return this.#set(key, entry, 'IFEQ', expected).catch((error) => {
      if (!isServerError(error, /syntax error/)) throw error
      this.#hasSetIfEqual = false
      return this.#run(SWAP, key, expected, entry)
    })
  }

  #set(key: string, { payload, expires }: Entry, ...condition: string[]): Promise<boolean> {
    return this.#commands.send(['SET', key, payload, ...condition, ...lifetime(expires)], key).then(isSomething)
  }

  #run(script: Script, key: string, expected: string, { payload, expires }: Entry): Promise<boolean> {
    return this.#commands.run(script, [key], [expected, payload, momentOf(expires)]).then(isOne)
  }
}

function isSomething(reply: unknown): boolean {
  return reply !== null
}

function isOne(reply: unknown): boolean {
  return reply === 1
}

/** Of the text's bytes in UTF-8, which are what the server holds. */
export function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
