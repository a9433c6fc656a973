import { DatabankError } from 'connect-databank'
import type { Client, Words } from './client.ts'
import { closed, failure, replyCode } from './failures.ts'
import { patternOf, slotOf } from './keys.ts'
import type { Script } from './scripts.ts'

/** The most keys that one command may carry: it blocks the server for all clients as long as it runs. */
const KEYS_A_COMMAND = 500

/** Sends the bank's commands: none after the end, not more at a time than were allowed, errors with our codes. */
export class Commands {
  readonly #client: Client
  readonly #limit: number
  readonly #onReply: (code: string | undefined) => void
  #pending = 0
  #isClosed = false

  /** `onReply` hears of each answer of the server, with the code if it is an error. */
  constructor(client: Client, limit: number, onReply: (code: string | undefined) => void = () => {}) {
    this.#client = client
    this.#limit = limit
    this.#onReply = onReply
  }

  get isCluster(): boolean {
    return this.#client.isCluster
  }

  /** What the client puts in front of every key by itself. */
  get keyPrefix(): string {
    return this.#client.keyPrefix
  }

  /** How many commands wait for their answer. */
  get pending(): number {
    return this.#pending
  }

  close(): void {
    this.#isClosed = true
  }

  refuseIfClosed(): void {
    if (this.#isClosed) throw closed()
  }

  send(words: Words, key: string): Promise<unknown> {
    return this.#sendTo(this.#client.send, words, key)
  }

  /** Runs a script by its name in the server's cache, which is empty after a restart, a failover or a SCRIPT FLUSH. */
  run(script: Script, keys: readonly string[], args: Words): Promise<unknown> {
    const key = keys[0] as string
    return this.send(['EVALSHA', script.sha, String(keys.length), ...keys, ...args], key).catch((error) => {
      if (replyCode((error as Error).cause) !== 'NOSCRIPT') throw error
      return this.send(['EVAL', script.text, String(keys.length), ...keys, ...args], key)
    })
  }

  /** Sends a command for each group of keys that may go into one; `places` are those of its keys among all. */
  async inGroups<Reply>(
    keys: readonly string[],
    send: (group: string[], places: readonly number[]) => Promise<Reply>,
  ): Promise<Reply[]> {
    return Promise.all(
      this.#group(keys).map((places) =>
        send(
          places.map((place) => keys[place]!),
          places,
        ),
      ),
    )
  }

  /** The same for commands that answer with a value for each key: the values stand where their keys stood. */
  async spread<Value>(keys: readonly string[], send: (group: string[]) => Promise<readonly Value[]>): Promise<Value[]> {
    const values = new Array<Value>(keys.length)
    await this.inGroups(keys, async (group, places) => {
      for (const [nth, value] of (await send(group)).entries()) values[places[nth]!] = value
    })
    return values
  }

  /** In a cluster, a group for each slot; else as many as a command may carry. */
  #group(keys: readonly string[]): number[][] {
    const groups = new Map<number, number[]>()
    for (const [place, key] of keys.entries()) {
      const name = this.#client.isCluster ? slotOf(this.#client.keyPrefix + key) : Math.floor(place / KEYS_A_COMMAND)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [place])
      else group.push(place)
    }
    return [...groups.values()]
  }

  /** Streams the keys with this prefix, a page of each reply, from all masters; without what the client puts in front of them. */
  async *scan(prefix: string): AsyncGenerator<string[]> {
    const { keyPrefix } = this.#client
    const pattern = patternOf(keyPrefix + prefix)
    for (const send of await this.#masters()) {
      let cursor = '0'
      do {
        // COUNT says how many keys are looked at, not how many match. So many cost the server less than a millisecond, and the
        // way there and back is made a hundredth as often as with the default of 10.
        const words = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000']
        const [next, keys] = (await this.#sendTo(send, words)) as [string, string[]]
        if (keys.length > 0) yield keys.map((key) => key.slice(keyPrefix.length))
        cursor = String(next)
      } while (cursor !== '0')
    }
  }

  /** Streams the members of a sorted set, a page of each reply. */
  async *members(key: string): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const [next, pairs] = (await this.send(['ZSCAN', key, cursor, 'COUNT', '1000'], key)) as [string, string[]]
      if (pairs.length > 0) yield pairs.filter((_, place) => place % 2 === 0)
      cursor = String(next)
    } while (cursor !== '0')
  }

  async #masters(): Promise<readonly ((words: Words) => Promise<unknown>)[]> {
    this.refuseIfClosed()
    try {
      return await this.#client.masters()
    } catch (error) {
      throw failure(error)
    }
  }

  #sendTo(send: Client['send'], words: Words, key = ''): Promise<unknown> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    this.#pending += 1
    return send(words, key).then(this.#succeed, this.#fail)
  }

  #refusal(): DatabankError | undefined {
    if (this.#isClosed) return closed()
    if (this.#pending < this.#limit) return undefined
    return new DatabankError('DATABANK_UNAVAILABLE', `${this.#limit} commands wait for Redis already`)
  }

  readonly #succeed = (reply: unknown): unknown => {
    this.#pending -= 1
    this.#onReply(undefined)
    return reply
  }

  readonly #fail = (error: unknown): never => {
    this.#pending -= 1
    const code = replyCode(error)
    if (code !== undefined) this.#onReply(code)
    throw this.#isClosed && code === undefined ? closed() : failure(error)
  }
}
