import type { SessionData } from 'express-session'
import type { Form } from './codec.ts'

/**
 * Merges two versions of a session that parallel requests made: `base` is what this request loaded, `theirs` is stored now,
 * `ours` is to be written. Returns the session to store. It is called with plain objects of its own.
 */
export type Merge = (base: SessionData, theirs: SessionData, ours: SessionData) => SessionData

export interface Merged {
  readonly form: Form
  /** The keys that both sides changed, to different values. Ours are stored. */
  readonly conflictingKeys: readonly string[]
}

/**
 * Three-way merge by top-level key: what we changed, added or removed since `base` is ours, everything else is theirs. So is the
 * cookie, which `mergeCookies` merges.
 *
 * @param unconfirmed keys of our earlier write with an unknown result: the stored values of these keys may be ours
 */
export function mergeByKey(base: Form, theirs: Form, ours: Form, unconfirmed: ReadonlySet<string>): Merged {
  const merged = new Map(Object.entries(theirs))
  const conflictingKeys: string[] = []
  for (const key of new Set([...changedKeys(base, ours), ...unconfirmed])) {
    if (key === 'cookie') continue
    if (!isSame(base, theirs, key) && !isSame(theirs, ours, key) && !unconfirmed.has(key)) conflictingKeys.push(key)
    if (Object.hasOwn(ours, key)) merged.set(key, ours[key])
    else merged.delete(key)
  }
  return { form: Object.fromEntries(merged) as Form, conflictingKeys }
}

/** The keys whose values differ, or that only one side has. */
export function changedKeys(before: Form, after: Form): Set<string> {
  const changed = new Set<string>()
  for (const key of Object.keys(before)) if (!isSame(before, after, key)) changed.add(key)
  for (const key of Object.keys(after)) if (!Object.hasOwn(before, key)) changed.add(key)
  return changed
}

function isSame(first: Form, second: Form, key: string): boolean {
  const has = Object.hasOwn(first, key)
  if (has !== Object.hasOwn(second, key)) return false
  return !has || first[key] === second[key] || JSON.stringify(first[key]) === JSON.stringify(second[key])
}
