import type { SessionData } from 'express-session'
import { LruCache } from './backend/lru-cache.ts'
import type { Stored } from './bank.ts'
import { type CookieFields, isoOf, isPlainRecord, isServable, type SessionCookie, timeOf } from './cookie.ts'
import { DatabankError } from './errors.ts'
import { changedKeys } from './merge.ts'

/** A session's text as it is stored. */
export interface SessionText {
  readonly text: string
  /** Where the text behind the cookie begins; -1 if the cookie is not the first member; undefined until it is needed. */
  dataStart: number | undefined
}

/** A stored session, parsed once. */
export interface ParsedSession extends SessionText {
  /** Never handed out: callers get copies. */
  readonly form: Form
  readonly cookie: SessionCookie
  /** When the session was created, in epoch milliseconds, if that is stored. */
  readonly created: number | undefined
}

/** What JSON.parse gives for a session. */
export type Form = { readonly [key: string]: unknown; readonly cookie: CookieFields }

const COOKIE_FIRST = '{"cookie":'
/** Where core stores its own facts about a session, beside the application's data. */
const METADATA = '__databank'

/** How many characters of text the cache may keep: with the parsed forms about 40 MB. */
const CACHE_CHARACTERS = 2 ** 24
/** A longer text would displace too many others. */
const LONGEST_CACHED = 2 ** 17
/**
 * How deep objects may be nested. `JSON.parse` has no limit, but `JSON.stringify` overflows the stack at a few times as many, and
 * express-session calls it where nobody catches the error: such a record would end the process.
 */
const DEEPEST = 2_000

/** Text ↔ session. Keeps the parsed forms of recent texts, and hands out copies. */
export class SessionCodec {
  readonly #parsed = new LruCache<ParsedSession>(CACHE_CHARACTERS, ({ text }) => text.length)

  readonly #onCorrupt: (id: string, reason: string) => void

  /** @param onCorrupt called for each stored record that is no session */
  constructor(onCorrupt: (id: string, reason: string) => void) {
    this.#onCorrupt = onCorrupt
  }

  /** The parsed session of what is stored, or null. */
  read(id: string, { payload, corrupt }: Stored): ParsedSession | null {
    const parsed = corrupt === undefined ? this.parse(id, payload) : null
    if (parsed === null) this.#onCorrupt(id, corrupt ?? 'it is not the JSON of a session')
    return parsed
  }

  /** The parsed session, or null if the text is no session: no JSON object, no cookie that express-session can send, nested too deeply. */
  parse(id: string, text: string): ParsedSession | null {
    const known = this.#parsed.get(id)
    if (known !== undefined && known.text === text) return known
    const parsed = parseSession(text)
    if (parsed !== null && text.length <= LONGEST_CACHED) this.#parsed.set(id, parsed)
    return parsed
  }
}

/** A copy of the session, for the caller. Its `cookie.expires` is the entry's, since a touch changes that alone. */
export function sessionOf({ form, cookie }: Pick<ParsedSession, 'form' | 'cookie'>, expires: number | null): SessionData {
  const session = copyOfData(form)
  if (cookie.expires !== null) (session['cookie'] as Record<string, unknown>)['expires'] = isoOf(expires ?? cookie.expires)
  return session as unknown as SessionData
}

/**
 * A stored record as the store sees it: the session, and when it was created, in epoch milliseconds, if that is stored; null if the record
 * is corrupt. For tools that list records. Whether the entry has expired is not looked at.
 */
export function readRecord(stored: Stored): { session: SessionData; created: number | undefined } | null {
  const parsed = stored.corrupt === undefined ? parseSession(stored.payload) : null
  return parsed === null ? null : { session: sessionOf(parsed, stored.expires), created: parsed.created }
}

/**
 * The session's text. The cookie comes first, as express-session has it.
 *
 * @throws DATABANK_INVALID_SESSION for what JSON cannot hold (a BigInt, a cycle) or what is no object in JSON
 */
export function encodeSession(session: object, cookie: SessionCookie, created: number | undefined): SessionText {
  const data = dataOf(session, created)
  if (data === undefined || !data.startsWith('{')) {
    throw new DatabankError(
      'DATABANK_INVALID_SESSION',
      'the session must be an object in JSON, and its toJSON gives something else',
    )
  }
  if (isTooDeep(data)) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session has objects that are nested more than ${DEEPEST} deep`)
  }
  const start = `${COOKIE_FIRST}${JSON.stringify(cookie.fields)}`
  return { text: data === '{}' ? `${start}}` : `${start},${data.slice(1)}`, dataStart: start.length }
}

/** The session without its cookie, as JSON. */
function dataOf(session: object, created: number | undefined): string | undefined {
  try {
    const own = (session as { toJSON?: unknown }).toJSON
    const members = typeof own === 'function' ? own.call(session, '') : session
    if (!isPlainRecord(members)) return undefined
    const { cookie: _cookie, [METADATA]: _metadata, ...data } = members as Record<string, unknown>
    if (created !== undefined) data[METADATA] = { created }
    return JSON.stringify(data)
  } catch (cause) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session is no JSON: ${(cause as Error)?.message}`, { cause })
  }
}

/** Whether two texts hold the same data, apart from the cookie. */
export function isSameData(before: SessionText, after: SessionText): boolean {
  const [beforeStart, afterStart] = [dataStartOf(before), dataStartOf(after)]
  if (beforeStart >= 0 && afterStart >= 0) return before.text.slice(beforeStart) === after.text.slice(afterStart)
  const changed = changedKeys(formOf(before), formOf(after))
  changed.delete('cookie')
  return changed.size === 0
}

function dataStartOf(session: SessionText): number {
  if (session.dataStart === undefined) {
    const { text } = session
    const start = `${COOKIE_FIRST}${JSON.stringify(formOf(session).cookie)}`
    session.dataStart = text.startsWith(start) ? start.length : -1
  }
  return session.dataStart
}

/** The session's members. Not a copy: the caller must not change them. */
export function formOf(session: SessionText | ParsedSession): Form {
  return 'form' in session ? session.form : (JSON.parse(session.text) as Form)
}

function parseSession(text: string): ParsedSession | null {
  try {
    const form: unknown = JSON.parse(text)
    if (!isPlainRecord(form)) return null
    const { cookie, [METADATA]: metadata } = form as Record<string, unknown>
    if (!isPlainRecord(cookie)) return null
    const fields = cookie as CookieFields
    const expires = timeOf(fields['expires'])
    if (Number.isNaN(expires) || !isServable(fields) || isTooDeep(text, form)) return null
    const created = isPlainRecord(metadata) ? (metadata as { created?: unknown }).created : undefined
    return {
      text,
      dataStart: undefined,
      form: form as Form,
      cookie: { fields, expires },
      created: typeof created === 'number' ? created : undefined,
    }
  } catch {
    return null
  }
}

/** Objects and arrays cannot be nested deeper than there are opening brackets: mostly these are few, and nothing has to be walked. */
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

/**
 * A copy without core's own facts. Member by member: Node.js 20 gives each object that is made by a spread, and extended later, a hidden
 * class of its own, and all code that reads it becomes slower.
 */
function copyOfData(form: Form): Record<string, unknown> {
  const session: Record<string, unknown> = {}
  for (const key of Object.keys(form)) {
    const member = form[key]
    const copy = typeof member === 'object' && member !== null ? copyOf(member) : member
    if (key === '__proto__')
      Object.defineProperty(session, key, { value: copy, configurable: true, writable: true, enumerable: true })
    else if (key !== METADATA) session[key] = copy
  }
  return session
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
