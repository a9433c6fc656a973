import type { SessionData } from 'express-session'
import { LruCache } from './backend/lru-cache.ts'
import type { Stored } from './bank.ts'
import { type CookieFields, isoOf, isRecord, isServable, type SessionCookie, timeOf } from './cookie.ts'
import { DatabankError } from './errors.ts'
import { changedKeys } from './merge.ts'

/** A session's text as it is stored. */
export interface SessionText {
  readonly text: string
  /** The cookie's fields in the text. */
  readonly cookie: CookieFields
  /** The text behind the cookie; null if the cookie is not the first member; undefined until it is needed. */
  data: string | null | undefined
}

/** A stored session. */
export interface ParsedSession {
  readonly text: SessionText
  /** For one caller only: `sessionOf` hands it out. */
  readonly form: Form
  readonly cookie: SessionCookie
  /** When the session was created, in epoch milliseconds, if that is stored. */
  readonly created: number | undefined
}

/** The result of `JSON.parse` for a session. */
export type Form = { readonly [key: string]: unknown; readonly cookie: CookieFields }

const COOKIE_FIRST = '{"cookie":'
/** Where core stores its own facts about a session, beside the application's data. */
export const METADATA = '__databank'

/** How many characters of text the cache may keep: with the parsed forms about 40 MB. */
const CACHE_CHARACTERS = 2 ** 24
/** A longer text would displace too many others. */
const LONGEST_CACHED = 2 ** 17

/**
 * The deepest nesting of objects. `JSON.parse` has no limit, but `JSON.stringify` overflows the stack at a few times this depth, and
 * express-session calls it without catching errors: such a record would end the process.
 */
const DEEPEST = 2_000

/** Parses the record that is stored under an id; returns null if it is corrupt. */
export type Parse = (id: string, stored: Stored) => ParsedSession | null

/** Parses a stored record; returns null if it is corrupt. */
export function parseStored({ payload, corrupt }: Stored): ParsedSession | null {
  return corrupt === undefined ? parseSession(payload) : null
}

/** The text that was last read under an id; its parsed form is kept from the second read on. */
interface Known {
  readonly text: string
  readonly parsed: ParsedSession | undefined
}

/**
 * Keeps the parsed form of a text that is read again; callers get copies. If each request changes a session, each text is read once, and
 * no form is kept.
 */
export function cachedParse(): Parse {
  const cache = new LruCache<Known>(CACHE_CHARACTERS, ({ text }) => text.length)
  return (id, stored) => {
    const text = stored.payload
    const last = cache.get(id)
    const known = last?.text === text ? last : undefined
    if (known?.parsed !== undefined && stored.corrupt === undefined) return copyOfParsed(known.parsed)
    const parsed = parseStored(stored)
    if (parsed === null || text.length > LONGEST_CACHED) return parsed
    cache.set(id, { text, parsed: known && parsed })
    return known === undefined ? parsed : copyOfParsed(parsed)
  }
}

/** The caller's session: the form itself. Its `cookie.expires` is the entry's, since a touch changes that alone. */
export function sessionOf({ form, cookie }: Pick<ParsedSession, 'form' | 'cookie'>, expires: number | null): SessionData {
  const session = form as Record<string, unknown>
  if (METADATA in session) delete session[METADATA]
  if (cookie.expires !== null) (session['cookie'] as Record<string, unknown>)['expires'] = isoOf(expires ?? cookie.expires)
  return session as unknown as SessionData
}

/**
 * A stored record as the store reads it: the session, and its creation time in epoch milliseconds, if that is stored; null if the record
 * is corrupt. For tools that list records. It does not check the expiry.
 */
export function readRecord(stored: Stored): { session: SessionData; created: number | undefined } | null {
  const parsed = parseStored(stored)
  return parsed === null ? null : { session: sessionOf(parsed, stored.expires), created: parsed.created }
}

/**
 * The session's text. The cookie comes first, as express-session has it.
 *
 * @throws DATABANK_INVALID_SESSION if JSON cannot represent the session (a BigInt, a cycle), or its JSON is not an object
 */
export function encodeSession(session: object, cookie: SessionCookie, created: number | undefined): SessionText {
  const json = jsonOfData(session, created)
  if (json === undefined || !json.startsWith('{')) {
    throw new DatabankError(
      'DATABANK_INVALID_SESSION',
      'the session must be an object in JSON, and its toJSON gives something else',
    )
  }
  if (isTooDeep(json)) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session has objects that are nested more than ${DEEPEST} deep`)
  }
  const data = json.slice(1)
  const start = `${COOKIE_FIRST}${jsonOfCookie(cookie)}`
  const text = data === '}' ? `${start}}` : `${start},${data}`
  return { text, cookie: cookie.fields, data }
}

/** The session without its cookie, as JSON. */
function jsonOfData(session: object, created: number | undefined): string | undefined {
  try {
    const own = (session as { toJSON?: unknown }).toJSON
    const members = typeof own === 'function' ? own.call(session, '') : session
    if (!isRecord(members)) return undefined
    const { cookie: _cookie, [METADATA]: _metadata, ...data } = members
    if (created !== undefined) data[METADATA] = { created }
    return JSON.stringify(data)
  } catch (cause) {
    throw invalidSession(cause)
  }
}

function jsonOfCookie({ fields }: SessionCookie): string {
  try {
    return JSON.stringify(fields)
  } catch (cause) {
    throw invalidSession(cause)
  }
}

function invalidSession(cause: unknown): DatabankError {
  return new DatabankError('DATABANK_INVALID_SESSION', `the session is no JSON: ${(cause as Error)?.message}`, { cause })
}

/** Whether two texts hold the same data, apart from the cookie. */
export function isSameData(before: SessionText, after: SessionText): boolean {
  const beforeData = dataOf(before)
  const afterData = dataOf(after)
  if (beforeData !== null && afterData !== null) return beforeData === afterData
  const changed = changedKeys(formOf(before), formOf(after))
  changed.delete('cookie')
  return changed.size === 0
}

function dataOf(session: SessionText): string | null {
  if (session.data === undefined) {
    const { text } = session
    const start = `${COOKIE_FIRST}${JSON.stringify(session.cookie)}`
    if (!text.startsWith(start)) session.data = null
    else session.data = text.length === start.length + 1 ? '}' : text.slice(start.length + 1)
  }
  return session.data
}

/** The session's members, as an object of the caller's own. */
export function formOf({ text }: SessionText): Form {
  return JSON.parse(text) as Form
}

/** Null if the text is no session: no JSON object, no cookie that express-session can send, nested too deeply. */
export function parseSession(text: string): ParsedSession | null {
  try {
    const form: unknown = JSON.parse(text)
    if (!isRecord(form)) return null
    const { cookie, [METADATA]: metadata } = form
    if (!isRecord(cookie)) return null
    const expires = timeOf(cookie['expires'])
    if (Number.isNaN(expires) || !isServable(cookie) || isTooDeep(text, form)) return null
    const created = isRecord(metadata) ? metadata['created'] : undefined
    // Copies: the caller may change its session.
    const copy = { ...cookie }
    return {
      text: { text, cookie: copy, data: undefined },
      form: form as Form,
      cookie: { fields: copy, expires },
      created: typeof created === 'number' ? created : undefined,
    }
  } catch {
    return null
  }
}

/** The nesting is at most the number of opening brackets. Most texts have few, so most forms need no walk. */
function isTooDeep(text: string, form?: unknown): boolean {
  return text.length > DEEPEST * 2 && hasMore(text, DEEPEST) && isDeeperThan(form ?? JSON.parse(text), DEEPEST)
}

function hasMore(text: string, brackets: number): boolean {
  let count = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (++count > brackets) return true
  }
  return false
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1))
}

function copyOfParsed({ text, form, cookie, created }: ParsedSession): ParsedSession {
  return { text, form: copyOfForm(form), cookie, created }
}

/**
 * Member by member: in Node.js 20, each object that is made by a spread and extended later gets its own hidden class, which makes all
 * code that reads it slower.
 */
function copyOfForm(form: Form): Form {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(form)) {
    const member = form[key]
    const value = typeof member === 'object' && member !== null ? copyOf(member) : member
    if (key === '__proto__') Object.defineProperty(copy, key, { value, configurable: true, writable: true, enumerable: true })
    else copy[key] = value
  }
  return copy as Form
}

/** Spread copies own members only, one named `__proto__` too; assigning to a member that is there already changes that member. */
function copyOf(value: object): object {
  if (Array.isArray(value)) {
    const copy = value.slice()
    for (let index = 0; index < copy.length; index++) {
      const inner = copy[index]
      if (typeof inner === 'object' && inner !== null) copy[index] = copyOf(inner)
    }
    return copy
  }
  const copy: Record<string, unknown> = { ...value }
  for (const key in copy) {
    const inner = copy[key]
    // An application may have extended Object.prototype.
    if (typeof inner === 'object' && inner !== null && Object.hasOwn(copy, key)) copy[key] = copyOf(inner)
  }
  return copy
}
