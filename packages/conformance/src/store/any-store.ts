import { Skipped } from '../check.ts'

// biome-ignore lint/suspicious/noExplicitAny: every store has its own types
type AnyCallback = (error?: any, value?: any) => void
// biome-ignore lint/suspicious/noExplicitAny: every store has its own types
type Any = any

/** An express-session store, of connect-databank or any other. */
export interface AnyStore {
  get(sid: string, callback: AnyCallback): unknown
  set(sid: string, session: Any, callback?: AnyCallback): unknown
  destroy(sid: string, callback?: AnyCallback): unknown
  touch?(sid: string, session: Any, callback?: AnyCallback): unknown
  all?(callback: AnyCallback): unknown
  length?(callback: AnyCallback): unknown
  clear?(callback?: AnyCallback): unknown
  cleanup?(callback?: AnyCallback): unknown
  createSession(request: Any, session: Any): Any
  on(event: string, listener: (...args: Any[]) => void): unknown
  /** Of connect-databank's stores, as are the following. */
  update?(sid: string, change: (session: Any) => Any): Promise<Any>
  sessionsOf?(owner: string): AsyncIterable<readonly [id: string, session: Any]>
  destroySessionsOf?(owner: string, options?: { except?: string }): Promise<number>
  destroyById?(id: string): Promise<boolean>
  reindexOwners?(): Promise<unknown>
  entries?(): AsyncIterable<readonly [id: string, session: Any]>
  close?(): Promise<void>
}

/** A session as `get` returns it. */
export type StoredSession = Record<string, Any>

/** The methods that take a callback. */
export type StoreMethod = 'get' | 'set' | 'destroy' | 'touch' | 'all' | 'length' | 'clear' | 'cleanup'

/** A store's methods with promises. A check names the optional ones that it calls in `needs`. */
export class Driver {
  readonly store: AnyStore

  constructor(store: AnyStore) {
    this.store = store
  }

  /** The session, or null, whichever way the store says that there is none. */
  async get(sid: string): Promise<StoredSession | null> {
    try {
      return ((await this.call('get', sid)) as StoredSession | undefined) ?? null
    } catch (error) {
      // express-session: "A special case is made when error.code === 'ENOENT' to act like callback(null, null)"
      if ((error as { code?: unknown } | null)?.code === 'ENOENT') return null
      throw error
    }
  }

  async set(sid: string, session: object): Promise<void> {
    await this.call('set', sid, session)
  }

  async touch(sid: string, session: object): Promise<void> {
    await this.call('touch', sid, session)
  }

  async destroy(sid: string): Promise<void> {
    await this.call('destroy', sid)
  }

  /** All sessions. A store may return an array or an object. */
  async all(): Promise<StoredSession[]> {
    return Object.values((await this.call('all')) as StoredSession[] | Record<string, StoredSession>)
  }

  async length(): Promise<number> {
    return (await this.call('length')) as number
  }

  async clear(): Promise<void> {
    await this.call('clear')
  }

  /** The sessions of an owner, with the ids that they are stored under. */
  async sessionsOf(owner: string): Promise<(readonly [id: string, session: StoredSession])[]> {
    const found: (readonly [string, StoredSession])[] = []
    await supported(async () => {
      for await (const pair of this.store.sessionsOf!(owner)) found.push(pair)
    })
    return found
  }

  destroySessionsOf(owner: string, options?: { except?: string }): Promise<number> {
    return supported(() => this.store.destroySessionsOf!(owner, options))
  }

  destroyById(id: string): Promise<boolean> {
    return supported(() => this.store.destroyById!(id))
  }

  /** All sessions, with the ids that they are stored under. */
  async entries(): Promise<(readonly [id: string, session: StoredSession])[]> {
    const found: (readonly [string, StoredSession])[] = []
    await supported(async () => {
      for await (const pair of this.store.entries!()) found.push(pair)
    })
    return found
  }

  async reindexOwners(): Promise<void> {
    await supported(async () => void (await this.store.reindexOwners!()))
  }

  /** Calls the method, and resolves with the value of its callback. */
  call(method: StoreMethod, ...args: unknown[]): Promise<unknown> {
    const result = new Promise((resolve, reject) => {
      const callback = (error: unknown, value: unknown): void => (error ? reject(error) : resolve(value))
      try {
        this.invoke(method, ...args, callback)
      } catch (error) {
        reject(new Error(`${method} threw instead of calling back: ${String(error)}`, { cause: error }))
      }
    })
    return supported(() => result)
  }

  /**
   * Calls the method as express-session does. A store may return a promise as well: express-session ignores it, so that its
   * rejection would be an unhandled one, and so does this.
   */
  invoke(method: StoreMethod, ...args: unknown[]): unknown {
    return (this.store as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args)
  }
}

/** The result of the call; skips the check if the bank lacks what it needs. */
export async function supported<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (error) {
    requireSupported(error)
    throw error
  }
}

/** A store may have a method, and say that its bank lacks what the method needs: then the check is skipped. */
export function requireSupported(error: unknown): void {
  if ((error as { code?: unknown } | null)?.code === 'DATABANK_NOT_SUPPORTED') throw new Skipped((error as Error).message)
}
