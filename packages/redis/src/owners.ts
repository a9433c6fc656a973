import { randomBytes } from 'node:crypto'
import type { Commands } from './commands.ts'
import { GONE } from './records.ts'

/** The index has several keys, so that each stays small, and a cluster distributes them over its nodes. */
const SHARDS = 64
/** How many members one command reads or removes. */
const PAGE = 500

/**
 * Finds the sessions of an owner: sorted sets beside the sessions, whose members `owner, id, nonce` are in alphabetical order. The index
 * may name a session that has ended or has another owner now, so readers check the session. It never lacks a session of the owner. So
 * touches, swaps that keep the owner, and deletes do not write it; `sweep` removes ended sessions.
 *
 * Index and session are on different nodes of a cluster, so no command writes both. Each write of an owner adds a member before the
 * session is written, so that a crash leaves no session without one; and another member after it, as a sweep that looked for the session
 * before it was written may remove the first. Each member is unique, so a sweep never removes a member that was added after its check.
 */
export class OwnerIndex {
  readonly #prefix: string
  readonly #commands: Commands

  constructor(prefix: string, commands: Commands) {
    this.#prefix = prefix
    this.#commands = commands
  }

  /** Runs a write that gives the session to an owner. It returns null if it did not write. */
  async during<Version extends string | null>(owner: string, id: string, write: () => Promise<Version>): Promise<Version> {
    const key = this.#keyOf(owner)
    const start = field(owner) + field(id)
    const [first, older] = await Promise.all([this.#add(key, start), this.#page(key, `[${start}`, endOf(start))])
    const version = await write()
    if (version !== null) await this.#add(key, start)
    await this.#remove(key, version === null ? [first] : [first, ...older])
    return version
  }

  /** Adds the session to the index, even if the index has it already. */
  async index(owner: string, id: string): Promise<void> {
    await this.during(owner, id, async () => 'unchanged')
  }

  /** Streams the ids of the sessions that may belong to the owner, in pages. */
  async *idsOf(owner: string): AsyncGenerator<string[]> {
    const start = field(owner)
    let last: string | undefined
    for await (const members of this.#pages(this.#keyOf(owner), `[${start}`, endOf(start))) {
      const ids = members.map((member) => fieldAt(member, start.length).text)
      // A session may have several members, one after the other.
      yield ids.filter((id, index) => id !== (index === 0 ? last : ids[index - 1]))
      last = ids.at(-1)
    }
  }

  /** Removes the members whose sessions have ended, page by page. */
  async *sweep(): AsyncGenerator<void> {
    for (let shard = 0; shard < SHARDS; shard++) {
      const key = this.#keyOfShard(shard)
      for await (const members of this.#pages(key, '-', '+')) {
        const ids = members.map((member) => fieldAt(member, fieldAt(member, 0).end).text)
        const expiries = await this.#commands.expiries(ids.map((id) => this.#prefix + id))
        const ended = members.filter((_, index) => expiries[index] === GONE)
        yield await this.#remove(key, ended)
      }
    }
  }

  async *#pages(key: string, from: string, to: string): AsyncGenerator<string[]> {
    let start = from
    for (;;) {
      const members = await this.#page(key, start, to)
      if (members.length > 0) yield members
      if (members.length < PAGE) return
      start = `(${members.at(-1)}`
    }
  }

  #page(key: string, from: string, to: string): Promise<string[]> {
    return this.#commands.send(['ZRANGEBYLEX', key, from, to, 'LIMIT', '0', String(PAGE)], key) as Promise<string[]>
  }

  async #add(key: string, start: string): Promise<string> {
    const member = start + randomBytes(6).toString('base64url')
    await this.#commands.send(['ZADD', key, '0', member], key)
    return member
  }

  async #remove(key: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#commands.send(['ZREM', key, ...members], key)
  }

  #keyOf(owner: string): string {
    let hash = 0
    for (let index = 0; index < owner.length; index++) hash = (hash * 31 + owner.charCodeAt(index)) | 0
    return this.#keyOfShard(hash & (SHARDS - 1))
  }

  /** With its own prefix, so that it is not a session's key. With two digits, so that no other prefix has the same keys. */
  #keyOfShard(shard: number): string {
    return `owners:${this.#prefix}${String(shard).padStart(2, '0')}`
  }
}

/** A field of a member, with its length, so that no field is the beginning of another. */
function field(text: string): string {
  return `${text.length}:${text}:`
}

function fieldAt(member: string, start: number): { readonly text: string; readonly end: number } {
  const colon = member.indexOf(':', start)
  const length = Number(member.slice(start, colon))
  return { text: member.slice(colon + 1, colon + 1 + length), end: colon + length + 2 }
}

/** The first text after all texts that begin with this field. */
function endOf(start: string): string {
  return `(${start.slice(0, -1)};`
}
