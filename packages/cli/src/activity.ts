import { createHash } from 'node:crypto'
import type { Session } from './sessions.ts'

/** All live sessions at one moment, as sorted numbers: 8 bytes a session and set. */
export interface Look {
  readonly live: number
  readonly all: Float64Array
  /** The sessions with an owner, hashed with the owner. */
  readonly owned: Float64Array
}

/** What happened between two looks. */
export interface Changes {
  readonly logins: number
  readonly ends: number
}

/** Looks at all live sessions. */
export async function look(sessions: AsyncIterable<Session>): Promise<Look> {
  const all = new Numbers()
  const owned = new Numbers()
  for await (const { id, owner } of sessions) {
    all.add(hashOf(id))
    if (owner !== null) owned.add(hashOf(`${id}\0${owner}`))
  }
  const sorted = all.sorted()
  return { live: sorted.length, all: sorted, owned: owned.sorted() }
}

/**
 * The logins and ends between two looks. If sessions have owners, a login is a session that got an owner, and an end is a missing
 * session that had one: visitors who never log in count only as live.
 */
export function changesBetween(before: Look, after: Look): Changes {
  const isOwned = before.owned.length > 0 || after.owned.length > 0
  const [old, now] = isOwned ? [before.owned, after.owned] : [before.all, after.all]
  const common = countCommon(old, now)
  return { logins: now.length - common, ends: old.length - common }
}

/** 48 bits: two of a million sessions share one in one look of 500. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6)
}

function countCommon(first: Float64Array, second: Float64Array): number {
  let common = 0
  for (let i = 0, j = 0; i < first.length && j < second.length; ) {
    const difference = first[i]! - second[j]!
    if (difference === 0) common++
    if (difference <= 0) i++
    if (difference >= 0) j++
  }
  return common
}

/** An array of numbers that grows. */
class Numbers {
  #array = new Float64Array(1_024)
  #length = 0

  add(value: number): void {
    if (this.#length === this.#array.length) {
      const larger = new Float64Array(this.#length * 2)
      larger.set(this.#array)
      this.#array = larger
    }
    this.#array[this.#length++] = value
  }

  sorted(): Float64Array {
    return this.#array.slice(0, this.#length).sort()
  }
}

/** The period of the rates, in milliseconds. */
const MINUTE = 60_000

/** Counts a minute, over the last minute. */
export class Rates {
  readonly #recent: { readonly from: number; readonly at: number; readonly changes: Changes }[] = []

  /** @param from the time of the previous look, @param at the time of this one, in milliseconds */
  add(from: number, at: number, changes: Changes): void {
    this.#recent.push({ from, at, changes })
    while (this.#recent.length > 1 && this.#recent[0]!.from < at - MINUTE) this.#recent.shift()
  }

  perMinute(): Changes | null {
    const first = this.#recent[0]
    if (first === undefined) return null
    const minutes = (this.#recent.at(-1)!.at - first.from) / MINUTE
    const sum = (name: keyof Changes): number => this.#recent.reduce((total, { changes }) => total + changes[name], 0)
    return { logins: Math.round(sum('logins') / minutes), ends: Math.round(sum('ends') / minutes) }
  }
}
