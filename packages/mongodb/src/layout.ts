import { DatabankError, type Entry, newEntry } from 'connect-databank'
import type { Change, Filter, StoredDocument, UpdateOne } from './driver.ts'
import { payloadOf, type StoredSession } from './payload.ts'

/** How entries stand in documents. */
export interface Layout {
  /** @throws DATABANK_INVALID_RECORD */
  entryOf(document: StoredDocument): Entry
  /** Matches documents that live at `now`. */
  alive(now: number): Filter
  /** Matches documents that are dead at `now`. */
  dead(now: number): Filter
  /** The updates that move the death of this document, if it is alive at `now`: one for each form that it may have. */
  moves(documentId: string, expires: number | null, now: number): UpdateOne[]
  /** Matches this document as long as nobody changes its session. */
  unchanged(document: StoredDocument): Filter
  /** Whether a write takes the place of the whole document, or leaves fields alone that are not ours. */
  readonly replaces: boolean
}

/**
 * That of connect-mongo: `{ _id, session, expires }`, `expires` a Date, or missing where the session never dies. Fields of
 * others beside these are left alone.
 */
export const sessionLayout: Layout = {
  replaces: false,
  entryOf: ({ session, expires }) => newEntry(payloadOf(session), timeOf(expires)),
  // Not `$or`, so that one index serves. It matches a missing `expires`, too.
  alive: (now) => ({ expires: { $not: { $lte: new Date(now) } } }),
  dead: (now) => ({ expires: { $lte: new Date(now) } }),
  moves: (_id, expires, now) => [
    {
      updateOne: {
        filter: { _id, ...sessionLayout.alive(now) },
        update: expires === null ? unsetExpires : { $set: { expires: storedTime(expires) } },
      },
    },
  ],
  unchanged: ({ _id, session }) => ({ _id, session: { $eq: session } }),
}

const unsetExpires: Change = { $unset: { expires: '' } }

/** The change that makes a document hold this entry. */
export function changeTo(session: StoredSession, expires: number | null): Change {
  return expires === null ? { $set: { session }, ...unsetExpires } : { $set: { session, expires: storedTime(expires) } }
}

/** What a document that holds this entry consists of, beside its `_id`. */
export function fieldsOf(session: StoredSession, expires: number | null): Record<string, unknown> {
  return expires === null ? { session } : { session, expires: storedTime(expires) }
}

/** The end of the year 9999: where the dates of many languages end, and their readers of BSON fail. */
const lastDate = 253_402_300_799_999

/** As a Date or, after the year 9999, as a number: no condition on dates, and no TTL index, takes that for a death that has come. */
function storedTime(time: number): Date | number {
  return time > lastDate ? time : new Date(time)
}

function timeOf(expires: unknown): number | null {
  if (expires === undefined || expires === null) return null
  if (expires instanceof Date) return expires.getTime()
  if (typeof expires === 'number') return expires
  throw new DatabankError('DATABANK_INVALID_RECORD', 'the field `expires` of the document is no Date')
}
