import { type Entry, newEntry } from 'connect-databank'
import type { Words } from './client.ts'

/** What PEXPIRETIME answers for a key that never dies. */
export const NEVER = -1
/** What PEXPIRETIME answers where there is no key. */
export const GONE = -2

/** The entry of a payload and of what PEXPIRETIME answered. */
export function entryOf(payload: string | null, expiry: number): Entry | null {
  if (payload === null || expiry === GONE) return null
  return newEntry(payload, expiry === NEVER ? null : expiry)
}

/**
 * The death that a SET is told, '' for never: as a moment, so that a command that comes late or twice lengthens no life. The server
 * takes no moment before 1, and what dies then has died.
 */
export function momentOf(expires: number | null): string {
  return expires === null ? '' : String(Math.max(1, Math.ceil(expires)))
}

/** The end of a SET. */
export function lifetime(expires: number | null): Words {
  return expires === null ? [] : ['PXAT', momentOf(expires)]
}

/** The death that a PEXPIREAT is told, '' for never. */
export function timeOf(expires: number | null): string {
  return expires === null ? '' : String(Math.ceil(expires))
}

/** The command that moves a death; it leaves alone what is not there. */
export function touching(key: string, expires: number | null): Words {
  return expires === null ? ['PERSIST', key] : ['PEXPIREAT', key, timeOf(expires)]
}
