import assert from 'node:assert/strict'
import session from 'express-session'
import type { App, SessionSettings } from '../app.ts'
import type { Check } from '../check.ts'
import type { AnyStore, Driver, StoredSession, StoreMethod } from './any-store.ts'

/** An optional method of a store, or `another`: a second store on the same place. */
export type StoreNeed = StoreMethod | 'another'

/** What a check of a store is given. */
export interface StoreContext {
  /** Fresh and empty, its methods with promises. */
  readonly store: Driver
  /** Opens a second store on the same place, as another process would. */
  another(): Promise<Driver>
  /** An application with express-session on this store (or another), closed after the check. */
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

/** A session that expires in so many milliseconds has surely expired after so many more, for stores that count in seconds too. */
export const BRIEFLY = 60
const SURELY = 1_120

/** Waits until a session that was to live briefly is dead by everybody's clock. */
export async function afterDeath(): Promise<void> {
  const end = Date.now() + SURELY
  while (Date.now() < end) await new Promise((resolve) => setTimeout(resolve, end - Date.now()))
}

/** The settings of a cookie, as `session({cookie})` takes them. */
export type CookieSettings = session.CookieOptions

// The types hide the constructors that express-session exports.
const { Session, Cookie } = session as unknown as {
  Session: new (request: object, data?: object) => StoredSession
  Cookie: new (settings?: CookieSettings) => StoredSession
}

/** A live session, as express-session makes one and hands it to `set` and `touch`. */
export function live(store: AnyStore, sid: string, data: object, cookie: CookieSettings = { maxAge: HOUR }): StoredSession {
  const made = new Session({ sessionID: sid, sessionStore: store }, data)
  made['cookie'] = new Cookie(cookie)
  return made
}

/** The session as a request gets it: what express-session makes of what `get` gives. */
export async function loaded(store: Driver, sid: string): Promise<StoredSession> {
  const data = await store.get(sid)
  assert.ok(data !== null, 'the session is missing')
  return store.store.createSession({ sessionID: sid, sessionStore: store.store }, data)
}

/** The data of a session, without its cookie. */
export function dataOf(found: StoredSession | null): Record<string, unknown> | null {
  if (found === null) return null
  const { cookie: _, ...data } = found
  return data
}

/** Fails unless these data are there: keys that the store added are another check's. */
export function assertData(found: StoredSession | null, expected: Record<string, unknown>, message?: string): void {
  assert.ok(found !== null, message ?? 'the session is missing')
  const shared = Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]))
  assert.deepEqual(shared, expected, message)
}

/** The time of a cookie's death, in whatever form it comes; null if there is none. */
export function deathOf(found: StoredSession | null): number | null {
  const expires: unknown = found?.['cookie']?.expires
  if (expires === null || expires === undefined || expires === false) return null
  return new Date(expires as string | number | Date).getTime()
}

/** Fails unless the two times are the same to the second: there are stores that count in seconds. */
export function assertSameSecond(actual: number | null, expected: number, message: string): void {
  assert.ok(actual !== null && Math.abs(actual - expected) <= 1_000, `${message}: ${shown(actual)} instead of ${shown(expected)}`)
}

/** Fails unless the two lifetimes are the same to the second: express-session reads the clock twice when it sets one. */
export function assertSameLifetime(actual: unknown, expected: number): void {
  const isSame = typeof actual === 'number' && Math.abs(actual - expected) <= 1_000
  assert.ok(isSame, `the lifetime: ${actual} ms instead of ${expected} ms`)
}

function shown(time: number | null): string {
  return time === null || Number.isNaN(time) ? String(time) : new Date(time).toISOString()
}

/** All orders of these. */
export function orders<Item>(items: readonly Item[]): Item[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((first, index) => orders(items.toSpliced(index, 1)).map((rest) => [first, ...rest]))
}

/** Waits until the condition holds: for what was asked without a callback. The check's own time limit ends it. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
