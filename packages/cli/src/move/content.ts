import { createHash } from 'node:crypto'
import type { Stored } from 'connect-databank/backend'

/** A hash of 16 bytes that nobody reads: one character a byte, since a million of them are kept. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest().toString('latin1', 0, 16)
}

/** A hash of what a payload means. Two texts of the same JSON value have the same hash. */
export function fingerprintOf(payload: string): string {
  return hashOf(canonical(payload))
}

/** Whether two entries hold the same session. A column of type `jsonb`, or MySQL's `json`, returns keys in another order. */
export function isSameSession(first: Stored, second: Stored): boolean {
  if (first.corrupt !== undefined || second.corrupt !== undefined) return false
  return first.payload === second.payload || canonical(first.payload) === canonical(second.payload)
}

function canonical(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), sortKeys)
  } catch {
    return payload // Encrypted, or nested too deeply.
  }
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1)))
}
