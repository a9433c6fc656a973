import { DatabankError } from 'connect-databank'
import type { StoredDocument } from './driver.ts'
import { type Layout, sessionLayout } from './layout.ts'

/**
 * Reads, beside our own documents, those that connect-databank 1.x wrote through databank-mongodb: the session's own fields at
 * the top level, `cookie.expires` as ISO text. They are told by their field `cookie`, which ours never have. A write puts a
 * document of ours in their place; a touch leaves them as they are.
 */
export const databankLayout: Layout = {
  // The fields at the top level would otherwise stay beside ours.
  replaces: true,

  entryOf: (document) => (isOld(document) ? oldEntryOf(document) : sessionLayout.entryOf(document)),

  // Each condition matches the documents of the other form, too: what it asks for is missing there.
  alive: (now) => ({ ...sessionLayout.alive(now), 'cookie.expires': { $not: { $lte: isoOf(now) } } }),
  dead: (now) => ({ $or: [sessionLayout.dead(now), { 'cookie.expires': { $lte: isoOf(now) } }] }),

  moves: (_id, expires, now) => [
    ...sessionLayout.moves(_id, expires, now).map(({ updateOne: { filter, update } }) => ({
      updateOne: { filter: { ...filter, cookie: { $exists: false } }, update },
    })),
    {
      updateOne: {
        filter: { _id, cookie: { $exists: true }, ...databankLayout.alive(now) },
        update: { $set: { 'cookie.expires': expires === null ? null : isoOf(expires) } },
      },
    },
  ],

  unchanged: (document) => (isOld(document) ? same(document) : sessionLayout.unchanged(document)),
}

function isOld(document: StoredDocument): boolean {
  return Object.hasOwn(document, 'cookie')
}

function oldEntryOf({ _id, ...record }: StoredDocument) {
  const { sid, ...session } = decodeKeys(record) as Record<string, unknown>
  // Without the schema that 1.x asks for, its driver kept the id in the record, too.
  if (sid !== undefined && sid !== _id) Object.assign(session, { sid })
  const cookie = session['cookie']
  if (typeof cookie !== 'object' || cookie === null)
    throw new DatabankError('DATABANK_INVALID_RECORD', 'the document has no cookie')
  return { payload: JSON.stringify(session), expires: expiresIn(cookie) }
}

/** Null also for a date that is none: the store takes such a record for a corrupt one. */
function expiresIn({ expires }: { expires?: unknown }): number | null {
  const time = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  return Number.isNaN(time) ? null : time
}

/** Field names as they were before databank-mongodb replaced what MongoDB did not take then: the first dot and the first `$`. */
function decodeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeKeys)
  if (typeof value !== 'object' || value === null || value.constructor !== Object) return value
  const decoded = Object.entries(value).map(([key, member]) => [
    key.replace('\xff0e', '.').replace('\xff04', '$'),
    decodeKeys(member),
  ])
  return Object.fromEntries(decoded)
}

/** The same fields with the same values, in whatever order, and no others. */
function same(document: StoredDocument) {
  const { _id, ...fields } = document
  return {
    _id,
    ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { $eq: value }])),
    $expr: { $eq: [{ $size: { $objectToArray: '$$ROOT' } }, Object.keys(document).length] },
  }
}

/** ISO text compares as its times do, up to the year 9999. */
function isoOf(time: number): string {
  return new Date(Math.min(time, 253_402_300_799_999)).toISOString()
}
