/** A callback of any store's. */
// biome-ignore lint/suspicious/noExplicitAny: stores of every make are typed in their own ways
type AnyCallback = (error?: any, value?: any) => void

/** An express-session store of any make. */
export interface AnyStore {
  get(sid: string, callback: AnyCallback): unknown
  // biome-ignore lint/suspicious/noExplicitAny: a session is what its maker says
  set(sid: string, session: any, callback?: AnyCallback): unknown
  destroy(sid: string, callback?: AnyCallback): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  touch?(sid: string, session: any, callback?: AnyCallback): unknown
  all?(callback: AnyCallback): unknown
  length?(callback: AnyCallback): unknown
  clear?(callback?: AnyCallback): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  createSession(request: any, session: any): any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  on(event: string, listener: (...args: any[]) => void): unknown
}

/** A session as `get` gives it. */
export interface StoredSession {
  // biome-ignore lint/suspicious/noExplicitAny: a session holds what the application put there
  [key: string]: any
}

/** The methods that the suite calls. */
export type StoreMethod = 'get' | 'set' | 'destroy' | 'touch' | 'all' | 'length' | 'clear'

/** A store's methods with promises. What a check calls must be there: it says so in `needs`. */
export class Driver {
  readonly store: AnyStore

  constructor(store: AnyStore) {
    this.store = store
  }

  /** The session; null for every way to say that there is none. */
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

  /** All sessions, whether the store gives an array or an object. */
  async all(): Promise<StoredSession[]> {
    return Object.values((await this.call('all')) as StoredSession[] | Record<string, StoredSession>)
  }

  async length(): Promise<number> {
    return (await this.call('length')) as number
  }

  async clear(): Promise<void> {
    await this.call('clear')
  }

  /** Calls the method, and gives what its callback is called with first. */
  call(method: StoreMethod, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const callback = (error: unknown, value: unknown): void => (error ? reject(error) : resolve(value))
      try {
        this.invoke(method, ...args, callback)
      } catch (error) {
        reject(new Error(`${method} threw instead of calling back: ${String(error)}`, { cause: error }))
      }
    })
  }

  /** Calls the method as it is. */
  invoke(method: StoreMethod, ...args: unknown[]): void {
    const answer = (this.store as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args)
    // A store may give a promise beside its callback. If that rejects and nobody looks at it, it is an unhandled rejection,
    // which express-session, who does not look at it, would suffer too: so it is left as it is.
    void answer
  }
}
