import { Recent } from 'connect-databank'
import type { Cas } from './client.ts'
import type { Stored } from './documents.ts'

/** A document as it was when we last saw it. */
export interface Seen extends Stored {
  readonly cas: Cas
}

/** What an entry costs beside its text, roughly, in characters. */
const overhead = 200

/**
 * What the bank gave out or wrote last, by id: with its CAS, a swap or a touch of it needs no read before, and a read of it no
 * decoding.
 */
export type Known = Recent<Seen>

/** @param limit in characters */
export function createKnown(limit: number): Known {
  return new Recent(limit, ({ payload }, id) => id.length + payload.length + overhead)
}

/**
 * Whether the document with this CAS is the one that was seen. A document of connect-couchbase is never: its death stands
 * outside of it. A CAS that another SDK makes otherwise is never the same, which costs time only.
 */
export function isSame(seen: Seen, cas: Cas): boolean {
  if (seen.write === undefined) return false
  const [before, now] = [rawOf(seen.cas), rawOf(cas)]
  return before !== undefined && now !== undefined && before.compare(now) === 0
}

/** The SDK compares them as text, and to make that costs more than to compare a document. */
function rawOf(cas: Cas): Buffer | undefined {
  const raw = (cas as { raw?: unknown } | null | undefined)?.raw
  return Buffer.isBuffer(raw) ? raw : undefined
}
