import type { SessionData } from 'express-session'
import { LruCache } from './backend/lru-cache.ts'
import { type CookieFields, isoOf, isPlainRecord, isServable, timeOf } from './cookie.ts'
import { DatabankError } from './errors.ts'

/** A session's text as it is stored, not parsed. */
export interface SessionText {
  readonly text: string
  /** Where the text behind the cookie begins; -1 if the cookie is not the first member. */
  readonly dataStart: number
}

/** A stored session, parsed once. */
export interface ParsedSession extends SessionText {
  /** Never handed out: callers get copies. */
  readonly form: Form
  /** When the session was created, in epoch milliseconds, if that is stored. */
  readonly created: number | undefined
}

/** What JSON.parse gives for a session. */
export type Form = { readonly [key: string]: unknown; readonly cookie: CookieFields }

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

  /** The parsed session, or null if the text is no session: no JSON object, no cookie that express-session can send, nested too deeply. */
  parse(id: string, text: string): ParsedSession | null {
    const known = this.#parsed.get(id)
    if (known !== undefined && known.text === text) return known
    const parsed = parseSession(text)
    if (parsed !== null && text.length <= LONGEST_CACHED) this.#parsed.set(id, parsed)
    return parsed
  }
}

/** A session of one's own, for the caller. Its `cookie.expires` is the entry's, since a touch changes that alone. */
export function sessionOf({ form }: ParsedSession, expires: number | null): SessionData {
  const session = copyOf(form) as Record<string, unknown>
  if (Object.hasOwn(session, METADATA)) delete session[METADATA]
  const cookie = session['cookie'] as Record<string, unknown>
  const time = timeOf(cookie['expires'])
  if (time !== null) cookie['expires'] = isoOf(expires ?? time)
  return session as unknown as SessionData
}

/**
 * The session's text.
 *
 * @param cookie the cookie's fields, as `cookieFieldsOf` gives them
 * @throws DATABANK_INVALID_SESSION for what JSON cannot hold (a BigInt, a cycle) or what is no object in JSON
 */
export function encodeSession(session: object, cookie: CookieFields, created: number | undefined): SessionText {
  const text = stringify(session, cookie, created)
  if (text === undefined || !text.startsWith('{')) {
    throw new DatabankError(
      'DATABANK_INVALID_SESSION',
      'the session must be an object in JSON, and its toJSON gives something else',
    )
  }
  return { text, dataStart: dataStartOf(text, cookie) }
}

function stringify(session: object, cookie: CookieFields, created: number | undefined): string | undefined {
  try {
    const own = (session as { toJSON?: unknown }).toJSON
    const members = typeof own === 'function' ? own.call(session, '') : session
    if (!isPlainRecord(members)) return undefined
    return created === undefined
      ? JSON.stringify({ ...members, cookie })
      : JSON.stringify({ ...members, cookie, [METADATA]: { created } })
  } catch (cause) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session is no JSON: ${(cause as Error)?.message}`, { cause })
  }
}

/** Whether two texts hold the same data, apart from the cookie. */
export function isSameData(before: SessionText, after: SessionText): boolean {
  if (before.dataStart >= 0 && after.dataStart >= 0) {
    return before.text.slice(before.dataStart) === after.text.slice(after.dataStart)
  }
  return JSON.stringify({ ...formOf(before), cookie: null }) === JSON.stringify({ ...formOf(after), cookie: null })
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
    if (!isPlainRecord(cookie) || !isServable(cookie as CookieFields)) return null
    // Each level takes two characters at least.
    if (text.length > DEEPEST * 2 && isDeeperThan(form, DEEPEST)) return null
    const created = isPlainRecord(metadata) ? (metadata as { created?: unknown }).created : undefined
    return {
      text,
      dataStart: dataStartOf(text, cookie as CookieFields),
      form: form as Form,
      created: typeof created === 'number' ? created : undefined,
    }
  } catch {
    return null
  }
}

const COOKIE_FIRST = '{"cookie":'

function dataStartOf(text: string, cookie: CookieFields): number {
  if (!text.startsWith(COOKIE_FIRST)) return -1
  const json = JSON.stringify(cookie)
  return text.startsWith(json, COOKIE_FIRST.length) ? COOKIE_FIRST.length + json.length : -1
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const key in value) if (isDeeperThan((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
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
    if (typeof inner === 'object' && inner !== null) copy[key] = copyOf(inner)
  }
  return copy
}
