import type { SessionData } from 'express-session'
import { Snapshot } from './snapshot.ts'

/**
 * What becomes of two versions of a session that grew from one: `base` is what our request's changes are measured against,
 * `theirs` is stored by now, `ours` is to be written. Gives the session to store. Called with plain objects of its own.
 */
export type Merge = (base: SessionData, theirs: SessionData, ours: SessionData) => SessionData

const nothing: ReadonlySet<string> = new Set()

/**
 * Three-way merge of records by top-level key: what we changed, added or removed since `base` is ours, everything else is
 * theirs. The cookie is that of the version that lives longer, which the caller knows. `doubted` keys are ours too: what is stored
 * of them may come from us.
 */
export function mergeByKey(
  base: Snapshot,
  theirs: Snapshot,
  ours: Snapshot,
  longer: 'theirs' | 'ours',
  doubted: ReadonlySet<string> = nothing,
): Snapshot {
  const ourJson = ours.json()
  const merged = theirs.json()
  const cookie = (longer === 'ours' ? ourJson : merged).get('cookie')
  for (const key of changedKeys(base, ours, doubted)) {
    const json = ourJson.get(key)
    if (json === undefined) merged.delete(key)
    else merged.set(key, json)
  }
  if (cookie !== undefined) merged.set('cookie', cookie)
  return recordOf(merged)
}

/** The keys whose values differ, or are not in both, and those that are known already. */
export function changedKeys(base: Snapshot, ours: Snapshot, known: ReadonlySet<string> = nothing): ReadonlySet<string> {
  const changed = new Set(known)
  if (base === ours) return changed
  const before = base.json()
  const after = ours.json()
  for (const [key, json] of before) if (!isWrittenAs(json, after.get(key))) changed.add(key)
  for (const key of after.keys()) if (!before.has(key)) changed.add(key)
  return changed
}

/** Whether the value is left as it was, or written anew by `JSON.stringify`: another program may have written `1.0`. */
function isWrittenAs(before: string, after: string | undefined): boolean {
  return before === after || (after !== undefined && JSON.stringify(JSON.parse(before)) === after)
}

/** Whether both records hold the same data, their cookies aside. */
export function isSameData(base: Snapshot, ours: Snapshot): boolean {
  for (const key of changedKeys(base, ours)) if (key !== 'cookie') return false
  return true
}

/** The same record with another cookie. */
export function withCookie(record: Snapshot, cookie: unknown): Snapshot {
  return recordOf(record.json().set('cookie', JSON.stringify(cookie)))
}

function recordOf(json: ReadonlyMap<string, string>): Snapshot {
  return new Snapshot(`{${Array.from(json, ([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`)
}
