// The outcome of a store's operation for a request: a result or a coded error, and its duration.
import type { DatabankStore } from 'connect-databank'
import session, { type SessionData } from 'express-session'
import { expect } from 'vitest'
import { until } from './program.js'

export interface Outcome {
  readonly code: string | undefined
  readonly message: string
  readonly value: unknown
  readonly milliseconds: number
}

/** A session as express-session passes it to a store. */
export function newSession(data: object = {}, maxAge = 3_600_000): SessionData {
  const cookie = Object.assign(new session.Cookie(), { maxAge })
  // Setting the age takes two readings of the clock.
  cookie.originalMaxAge = maxAge
  return { cookie, ...data } as SessionData
}

export const get = (store: DatabankStore, sid: string): Promise<Outcome> => outcome(() => store.get(sid))

export function set(store: DatabankStore, sid: string, data: object = {}): Promise<Outcome> {
  return outcome(() => store.set(sid, newSession(data)))
}

/** Every operation of a request at once. */
export function all(store: DatabankStore, sid: string): Promise<Outcome[]> {
  return Promise.all([
    get(store, sid),
    set(store, sid, { n: 1 }),
    outcome(() => store.touch(`${sid}-2`, newSession())),
    outcome(() => store.destroy(`${sid}-3`)),
  ])
}

export async function outcome(call: () => Promise<unknown>): Promise<Outcome> {
  const start = performance.now()
  try {
    const value = await call()
    return { code: undefined, message: '', value, milliseconds: performance.now() - start }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return { code: code ?? 'no code', message, value: undefined, milliseconds: performance.now() - start }
  }
}

/** Waits until requests succeed again; fails if that takes longer than `milliseconds`. */
export async function recovers(store: DatabankStore, milliseconds = 1_000): Promise<void> {
  let last: Outcome | undefined
  const succeeds = async (): Promise<boolean> => {
    last = await set(store, 'again')
    return last.code === undefined
  }
  await until(succeeds, 'the store to recover', milliseconds).catch((error) => {
    throw new Error(`${error.message}: ${last?.code}, ${last?.message}`)
  })
  expect((await get(store, 'again')).value).toMatchObject({ cookie: { path: '/' } })
}
