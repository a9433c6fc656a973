import type { AnyStore, StoredSession } from '../store/any-store.ts'
import type { Field, Found, History, Operation, Values } from './history.ts'
import { KEYS } from './plan.ts'

/** What the requests of one history share. */
export interface Context {
  readonly stores: readonly AnyStore[]
  readonly history: History
  /** The session id that each visitor's browser sends. */
  readonly cookies: (string | undefined)[]
  /** An id for a new session, whose calls this history may hold. */
  newSid(): string
}

type Call = (store: AnyStore, callback: (error?: unknown, value?: unknown) => void) => void
type Begun = Pick<Operation, 'kind' | 'request' | 'store' | 'sid'> & Partial<Operation>

/** Calls a method of a store. `ended` resolves, and never rejects, when the store has called back. */
export function callStore(
  { history, stores }: Context,
  what: Begun,
  call: Call,
  onValue: (value: unknown, operation: Operation) => void = () => {},
): { operation: Operation; ended: Promise<void> } {
  const operation = history.begin(what)
  const ended = new Promise<void>((resolve) => {
    const callback = (error?: unknown, value?: unknown): void => {
      if (operation.callbacks === 0 && !error) onValue(value, operation)
      if (history.end(operation, error)) resolve()
    }
    try {
      call(stores[operation.store]!, callback)
    } catch (error) {
      callback(new Error(`${what.kind} threw instead of calling back: ${String(error)}`, { cause: error }))
    }
  })
  return { operation, ended }
}

/** Calls `get`. The result is in `found` of the operation, too. */
export async function getSession(
  context: Context,
  what: { request?: number; store: number; sid: string },
): Promise<{ operation: Operation; data: StoredSession | null }> {
  let data: StoredSession | null = null
  const { operation, ended } = callStore(
    context,
    { kind: 'get', request: what.request, store: what.store, sid: what.sid },
    (store, callback) => store.get(what.sid, callback),
    (value, get) => {
      data = (value as StoredSession | null | undefined) ?? null
      get.found = data === null ? null : foundOf(data)
    },
  )
  await ended
  return { operation, data }
}

/** Lists the sessions of an owner. The result is in `listed` of the operation. */
export async function listSessions(
  context: Context,
  what: { request?: number; store: number; owner: string },
): Promise<Operation> {
  const list: Call = (store, callback) => {
    const collect = async (): Promise<Map<string, Found>> => {
      const listed = new Map<string, Found>()
      for await (const [id, session] of store.sessionsOf!(what.owner)) listed.set(id, foundOf(session))
      return listed
    }
    collect().then((listed) => callback(null, listed), callback)
  }
  const begun = { kind: 'list sessions' as const, request: what.request, store: what.store, sid: '', owner: what.owner }
  const { operation, ended } = callStore(context, begun, list, (value, operation) => {
    operation.listed = value as Map<string, Found>
  })
  await ended
  return operation
}

/** The owner of a session in histories: what the option `owner` of a store must return. */
export function ownerInHistories(session: object): string | null {
  return (session as { owner?: string }).owner ?? null
}

/** The fields of a session. */
export function valuesOf(session: StoredSession): Values {
  const values: Partial<Record<Field, number | string | undefined>> = {}
  for (const key of KEYS) values[key] = session[key]?.n
  values.owner = session['owner']
  values.age = session['cookie']?.originalMaxAge ?? undefined
  return values
}

function foundOf(session: StoredSession): Found {
  const expires = session['cookie']?.expires
  return { values: valuesOf(session), expires: expires == null ? undefined : new Date(expires).getTime() }
}
