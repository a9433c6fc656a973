import type { SessionData } from 'express-session'

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
 *
 * Works on JSON text, so that a key named `__proto__` is data like any other.
 */
export function mergeByKey(
  base: string,
  theirs: string,
  ours: string,
  longer: 'theirs' | 'ours',
  doubted: ReadonlySet<string> = nothing,
): string {
  const baseValues = valuesByKey(base)
  const ourValues = valuesByKey(ours)
  const merged = valuesByKey(theirs)
  const cookie = (longer === 'ours' ? ourValues : merged).get('cookie')
  for (const key of new Set([...baseValues.keys(), ...ourValues.keys(), ...doubted])) {
    const value = ourValues.get(key)
    if (value === baseValues.get(key) && !doubted.has(key)) continue
    if (value === undefined) merged.delete(key)
    else merged.set(key, value)
  }
  if (cookie !== undefined) merged.set('cookie', cookie)
  return textOf(merged)
}

/** The keys that differ, and those that are known already. */
export function changedKeys(base: string, ours: string, known: ReadonlySet<string> = nothing): ReadonlySet<string> {
  const changed = new Set(known)
  const baseValues = valuesByKey(base)
  const ourValues = valuesByKey(ours)
  for (const key of [...baseValues.keys(), ...ourValues.keys()]) {
    if (baseValues.get(key) !== ourValues.get(key)) changed.add(key)
  }
  return changed
}

/** Whether both records hold the same data, their cookies aside. Different texts of the same data may count as different. */
export function isSameData(base: string, ours: string): boolean {
  const start = '{"cookie":{'
  if (base.startsWith(start) && ours.startsWith(start)) return dataAfterCookie(base) === dataAfterCookie(ours)
  const baseValues = valuesByKey(base)
  const ourValues = valuesByKey(ours)
  baseValues.delete('cookie')
  ourValues.delete('cookie')
  return baseValues.size === ourValues.size && Array.from(ourValues).every(([key, value]) => baseValues.get(key) === value)
}

/** The text behind the leading cookie: a flat object, whose strings are skipped because they may hold a brace. */
function dataAfterCookie(text: string): string {
  let index = '{"cookie":{'.length
  for (let depth = 1; depth > 0 && index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === quote) index = endOfString(text, index)
    else if (character === openBrace) depth++
    else if (character === closeBrace) depth--
  }
  return text.slice(index)
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  for (let character = text.charCodeAt(index); index < text.length && character !== quote; character = text.charCodeAt(index)) {
    index += character === backslash ? 2 : 1
  }
  return index
}

const quote = 34
const backslash = 92
const openBrace = 123
const closeBrace = 125

/** The same record with another cookie. */
export function withCookie(text: string, cookie: unknown): string {
  return textOf(valuesByKey(text).set('cookie', JSON.stringify(cookie)))
}

function valuesByKey(text: string): Map<string, string> {
  return new Map(Object.entries(JSON.parse(text) as object).map(([key, value]) => [key, JSON.stringify(value)]))
}

function textOf(values: ReadonlyMap<string, string>): string {
  return `{${Array.from(values, ([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}
