import session, { type SessionData } from 'express-session'
import type { Bank } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'
import type { StoreOptions } from '../src/store-options.ts'

export const minute = 60_000

/** A session of one's own making, as express-session would write it. */
export function sessionData(data: object = {}, maxAge: number | null = minute): SessionData {
  const cookie = new session.Cookie()
  if (maxAge !== null) cookie.maxAge = maxAge
  return { ...JSON.parse(JSON.stringify({ cookie })), ...data }
}

type Live = SessionData & Record<string, unknown>

/** A store spoken to with promises, as one request after the other would with callbacks. */
export class Client {
  readonly store: DatabankStore

  constructor(bank: Bank, options: Omit<StoreOptions, 'bank'> = {}) {
    this.store = new DatabankStore({ bank, ...options })
  }

  get(sid: string): Promise<Live | null> {
    return new Promise((resolve, reject) =>
      this.store.get(sid, (error, found) => (error ? reject(error) : resolve(found as Live | null))),
    )
  }

  set(sid: string, data: SessionData): Promise<void> {
    return this.#call((callback) => this.store.set(sid, data, callback))
  }

  touch(sid: string, data: SessionData): Promise<void> {
    return this.#call((callback) => this.store.touch(sid, data, callback))
  }

  destroy(sid: string): Promise<void> {
    return this.#call((callback) => this.store.destroy(sid, callback))
  }

  clear(): Promise<void> {
    return this.#call((callback) => this.store.clear(callback))
  }

  cleanup(): Promise<void> {
    return this.#call((callback) => this.store.cleanup(callback))
  }

  all(): Promise<Live[]> {
    return new Promise((resolve, reject) => this.store.all((error, found) => (error ? reject(error) : resolve(found as Live[]))))
  }

  length(): Promise<number> {
    return new Promise((resolve, reject) => this.store.length((error, n) => (error ? reject(error) : resolve(n as number))))
  }

  /** The live session of a new request, as express-session makes it. */
  async load(sid: string): Promise<Live> {
    const found = await this.get(sid)
    if (found === null) throw new Error(`no session ${sid}`)
    return this.store.createSession({ sessionID: sid, sessionStore: this.store } as never, found) as unknown as Live
  }

  /** What the store tells from now on, in order. */
  events(): string[] {
    const told: string[] = []
    for (const event of ['conflict', 'dropped', 'corrupt', 'timeout']) {
      this.store.on(event, ({ sid }) => told.push(`${event} ${sid}`))
    }
    return told
  }

  #call(operation: (callback: (error?: unknown) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => operation((error) => (error ? reject(error) : resolve())))
  }
}

/** Counts the cookie's age anew, as express-session does at the end of a request, which is never in the millisecond before. */
export function countAnew({ cookie }: SessionData): void {
  const { originalMaxAge } = cookie
  const before = cookie.expires == null ? 0 : new Date(cookie.expires).getTime()
  cookie.expires = new Date(Math.max(before + 1, Date.now() + (originalMaxAge as number)))
  // The date has set it, from another reading of the clock.
  cookie.originalMaxAge = originalMaxAge
}

/** Until everything that was put off to the next tick, or to the end of this turn of the loop, is done. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

/** The data of a session, without its cookie. */
export function dataOf(found: SessionData | null): Record<string, unknown> | null {
  if (found === null) return null
  const { cookie: _, ...data } = found
  return data
}
