import session, { type SessionData } from 'express-session'
import type { Bank } from '../src/bank.ts'
import type { StoreEvents } from '../src/log.ts'
import type { StoreOptions } from '../src/options.ts'
import { DatabankStore } from '../src/store.ts'

export { Gate, type GatedBank, gatedBank, ReferenceBank } from '@connect-databank/conformance'

export const MINUTE = 60_000

type AnySession = SessionData & Record<string, unknown>

/** A session as a caller would write it by hand. */
export function sessionData(data: object = {}, maxAge: number | null = MINUTE): SessionData {
  const cookie = new session.Cookie()
  if (maxAge !== null) cookie.maxAge = maxAge
  return { ...JSON.parse(JSON.stringify({ cookie })), ...data }
}

/** A new session of a request: express-session's own has its request as a property that is not enumerable. */
export function newSession(data: object, maxAge?: number | null): AnySession {
  return Object.defineProperty(sessionData(data, maxAge), 'req', { value: {}, enumerable: false }) as never
}

/** A store, with what tests need beside it. */
export class Client {
  readonly store: DatabankStore

  constructor(bank: Bank, options: Omit<StoreOptions, 'bank'> = {}) {
    this.store = new DatabankStore({ bank, ...options })
  }

  get(sid: string): Promise<AnySession | null> {
    return this.store.get(sid) as Promise<AnySession | null>
  }

  set(sid: string, data: SessionData): Promise<void> {
    return this.store.set(sid, data)
  }

  touch(sid: string, data: SessionData): Promise<void> {
    return this.store.touch(sid, data)
  }

  destroy(sid: string): Promise<void> {
    return this.store.destroy(sid)
  }

  /** The live session of a new request, as express-session makes it. */
  async load(sid: string): Promise<AnySession> {
    const found = await this.get(sid)
    if (found === null) throw new Error(`no session ${sid}`)
    return this.store.createSession({ sessionID: sid, sessionStore: this.store } as never, found) as unknown as AnySession
  }

  /** The events that the store emits from now on, in order. */
  events(): string[] {
    const events: string[] = []
    for (const event of ['conflict', 'dropped', 'corrupt', 'timeout'] satisfies (keyof StoreEvents)[]) {
      this.store.on(event, ({ sid }: { sid: string }) => events.push(`${event} ${sid}`))
    }
    return events
  }
}

/** Renews the cookie's age, as express-session does at the end of a request, which is never in the millisecond of the load. */
export function renewAge<Session extends Pick<SessionData, 'cookie'>>(session: Session): Session {
  const { cookie } = session
  const { originalMaxAge } = cookie
  const before = cookie.expires == null ? 0 : new Date(cookie.expires).getTime()
  cookie.expires = new Date(Math.max(before + 1, Date.now() + (originalMaxAge as number)))
  // Setting the expiry has computed it anew, from another reading of the clock.
  cookie.originalMaxAge = originalMaxAge
  return session
}

/** Changes fields of the cookie. */
export function withCookie<Session extends SessionData>(session: Session, fields: object): Session {
  Object.assign(session.cookie, fields)
  return session
}

/** Ends when callbacks of the next tick, and of this turn of the event loop, have run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

/** The data of a session, without its cookie. */
export function dataOf(found: SessionData | null): Record<string, unknown> | null {
  if (found === null) return null
  const { cookie: _, ...data } = found
  return data
}

export function minutesOf(age: number | null | undefined): number {
  return Math.round((age as number) / MINUTE)
}

/** The three methods that every bank has, as of a database driver of others. */
export function threeMethods(bank: Bank): Bank {
  return { read: (id) => bank.read(id), save: (id, entry) => bank.save(id, entry), delete: (id) => bank.delete(id) }
}

/** The three methods and a scan. */
export function withScan(bank: Bank): Bank {
  return { ...threeMethods(bank), scan: () => bank.scan!() }
}
