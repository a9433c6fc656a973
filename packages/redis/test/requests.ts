// What a request gets from a store: a result or a coded error, and how long that took.
import type { DatabankStore } from 'connect-databank'
import type { SessionData } from 'express-session'
import { expect } from 'vitest'
import { until } from '../../../testing/program.js'

export interface Outcome {
  readonly code: string | undefined
  readonly cause: string
  readonly value: unknown
  readonly milliseconds: number
}

/** A session as express-session hands it to a store. */
export function aSession(data: object = {}): SessionData {
  const expires = new Date(Date.now() + 3_600_000)
  const cookie = { originalMaxAge: 3_600_000, expires, path: '/', httpOnly: true }
  return { cookie: { ...cookie, toJSON: () => cookie }, ...data } as unknown as SessionData
}

export function get(store: DatabankStore, sid: string): Promise<Outcome> {
  return outcome((callback) => store.get(sid, callback))
}

export function set(store: DatabankStore, sid: string, data: object = {}): Promise<Outcome> {
  return outcome((callback) => store.set(sid, aSession(data), callback))
}

/** Every operation of a request, at the same time. */
export function all(store: DatabankStore, sid: string): Promise<Outcome[]> {
  return Promise.all([
    get(store, sid),
    set(store, sid, { n: 1 }),
    outcome((callback) => store.touch(`${sid}-2`, aSession(), callback)),
    outcome((callback) => store.destroy(`${sid}-3`, callback)),
  ])
}

async function outcome(ask: (callback: (error: unknown, value?: unknown) => void) => void): Promise<Outcome> {
  const start = performance.now()
  const [error, value] = await new Promise<[unknown, unknown]>((resolve) => ask((error, value) => resolve([error, value])))
  const { code, cause } = (error ?? {}) as { code?: string; cause?: unknown }
  return { code, cause: String(cause), value, milliseconds: performance.now() - start }
}

/** Waits until requests work again; fails if that takes longer than `milliseconds` from now. */
export async function works(store: DatabankStore, milliseconds = 1_000): Promise<void> {
  let last: Outcome | undefined
  const hasAnswer = async () => {
    last = await set(store, 'again')
    return last.code === undefined
  }
  await until(hasAnswer, 'the store to work again', milliseconds).catch((error) => {
    throw new Error(`${error.message}: ${last?.code}, ${last?.cause}`)
  })
  expect((await get(store, 'again')).value).toMatchObject({ cookie: { path: '/' } })
}

/** All items of an async iterable. */
export async function listed<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
