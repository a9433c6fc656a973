import assert from 'node:assert/strict'
import type { Layer } from 'connect-databank/backend'
import session from 'express-session'
import type { App, SessionSettings } from '../app.ts'
import type { Check } from '../check.ts'
import type { AnyStore, Driver, StoredSession } from './any-store.ts'

/** The options of connect-databank's stores that checks set. */
export interface StoreSettings {
  readonly timeout?: number
  readonly owner?: (session: StoredSession) => string | number | null | undefined
  readonly maxSessionsPerOwner?: number
  readonly absoluteTimeout?: number
  readonly encryption?: { readonly keys: readonly (Buffer | string)[]; readonly acceptPlain?: boolean }
  readonly hashIds?: boolean | { readonly acceptPlain?: boolean }
}

/**
 * What a check of a store needs: an optional method; `another`, a second store on the same storage; `configured`, a store with
 * options of connect-databank; `promises`, promises from methods that are called without a callback.
 */
export type StoreNeed =
  | Exclude<keyof AnyStore, 'get' | 'set' | 'destroy' | 'on' | 'createSession'>
  | 'another'
  | 'configured'
  | 'promises'

/** The context of a check of a store. */
export interface StoreContext {
  /** Fresh and empty, its methods with promises. */
  readonly store: Driver
  /** Opens a second store on the same storage, as another process would. */
  another(): Promise<Driver>
  /** Opens a store with these options on the same storage. The layer is put on its bank, below the store's own layers. */
  configured(settings: StoreSettings, layer?: Layer): Promise<Driver>
  /** Waits until a session of this age, in milliseconds, has surely expired. Default: `SHORT_AGE`. */
  untilExpired(age?: number): Promise<void>
  /** An application with express-session on this store, or another. It is closed after the check. */
  app(settings?: SessionSettings, store?: Driver): Promise<App>
}

/** A check of a store. */
export type StoreCheck = Check<StoreContext>

/** Makes a check. */
export function storeCheck(check: {
  name: string
  why: string
  needs?: readonly StoreNeed[]
  run(context: StoreContext): Promise<void>
}): StoreCheck {
  return { ...check, needs: check.needs ?? [] }
}

export const HOUR = 3_600_000

/** A `maxAge` in milliseconds that is soon over: see `untilExpired` of the context. */
export const SHORT_AGE = 60

/** A `maxAge` in milliseconds within which a store can do one more operation. */
export const AGE_OF_AN_OPERATION = 700

/** The settings of a cookie, as `session({ cookie })` takes them. */
export type CookieSettings = session.CookieOptions

// The types hide the constructors that express-session exports.
const { Session, Cookie } = session as unknown as {
  Session: new (request: object, data?: object) => StoredSession
  Cookie: new (settings?: CookieSettings) => StoredSession
}

/** A new session of a request, as express-session makes it and passes it to `set` and `touch`. */
export function newSession(
  { store }: Pick<Driver, 'store'>,
  sid: string,
  data: object,
  cookie: CookieSettings = { maxAge: HOUR },
): StoredSession {
  const made = new Session({ sessionID: sid, sessionStore: store }, data)
  made['cookie'] = new Cookie(cookie)
  return made
}

/** The stored session as a request gets it: what express-session makes of the result of `get`. */
export async function loaded(driver: Driver, sid: string): Promise<StoredSession> {
  const data = await driver.get(sid)
  assert.ok(data !== null, 'the session is missing')
  return driver.store.createSession({ sessionID: sid, sessionStore: driver.store }, data)
}

/** The data of a session, without its cookie. */
export function dataOf(found: StoredSession | null): Record<string, unknown> | null {
  if (found === null) return null
  const { cookie: _, ...data } = found
  return data
}

/** Fails unless the session has these data. Another check fails if the store added keys. */
export function assertData(found: StoredSession | null, expected: Record<string, unknown>, message?: string): void {
  assert.ok(found !== null, message ?? 'the session is missing')
  const shared = Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]))
  assert.deepEqual(shared, expected, message)
}

/** When the session's cookie expires, in epoch milliseconds, in whatever form the store returns it; null: it does not. */
export function expiryOf(found: StoredSession | null): number | null {
  const expires: unknown = found?.['cookie']?.expires
  if (expires === null || expires === undefined || expires === false) return null
  return new Date(expires as string | number | Date).getTime()
}

/** Fails unless the two times differ by a second at most: some stores count in seconds. */
export function assertSameSecond(actual: number | null, expected: number, message: string): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= 1_000,
    `${message}: ${timeOf(actual)} instead of ${timeOf(expected)}`,
  )
}

/** Fails unless the two ages differ by a second at most: express-session reads the clock twice when it sets one. */
export function assertSameAge(actual: unknown, expected: number): void {
  const isSame = typeof actual === 'number' && Math.abs(actual - expected) <= 1_000
  assert.ok(isSame, `the cookie's age: ${actual} ms instead of ${expected} ms`)
}

function timeOf(time: number | null): string {
  return time === null || Number.isNaN(time) ? String(time) : new Date(time).toISOString()
}

/** All orders of these items. */
export function orders<Item>(items: readonly Item[]): Item[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((first, index) => orders(items.toSpliced(index, 1)).map((rest) => [first, ...rest]))
}

/** Waits until the condition holds: for a call without a callback. The check's own time limit ends it. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
