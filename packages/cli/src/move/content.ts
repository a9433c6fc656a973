import { createHash } from 'node:crypto'
import { canonicalJson, type Stored } from 'connect-databank/backend'

/** A hash of 16 bytes, one character a byte, because a million of them are kept. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest().toString('latin1', 0, 16)
}

/** A hash of a payload's value. Two texts of the same JSON value have the same hash. */
export function fingerprintOf(payload: string): string {
  return hashOf(canonicalJson(payload))
}

/** Whether two entries hold the same session. A column of type `jsonb`, or MySQL's `json`, returns keys in another order. */
export function isSameSession(first: Stored, second: Stored): boolean {
  if (first.corrupt !== undefined || second.corrupt !== undefined) return false
  return first.payload === second.payload || canonicalJson(first.payload) === canonicalJson(second.payload)
}
