// The baseline for stores that keep sessions in the process, and for near caches: what every store must do at least. Every caller gets a copy,
// and a copy is stored. There is no text, no expiry, no other process and no error.
import session from 'express-session'

/** How long (ms) a listing runs before it yields to the event loop. */
const SLICE = 4

export class MemoryBaselineStore extends session.Store {
  /** @type {Map<string, any>} */
  #sessions = new Map()

  /** @override @param {string} sid @param {(error: unknown, session?: any) => void} callback */
  get(sid, callback) {
    process.nextTick(callback, null, copyOf(this.#sessions.get(sid)))
  }

  /** @override @param {string} sid @param {any} live @param {(error?: unknown) => void} callback */
  set(sid, live, callback) {
    this.#sessions.set(sid, copyOf({ ...live, cookie: live.cookie.toJSON() }))
    process.nextTick(callback, null)
  }

  /** @override @param {string} sid @param {any} live @param {() => void} callback */
  touch(sid, live, callback) {
    this.#sessions.get(sid).cookie.expires = live.cookie.expires
    process.nextTick(callback, null)
  }

  /** @override @param {string} sid @param {(error?: unknown) => void} [callback] */
  destroy(sid, callback) {
    this.#sessions.delete(sid)
    if (callback !== undefined) process.nextTick(callback, null)
  }

  /** Yields to the event loop every few milliseconds. @override @param {(error: unknown, sessions?: any) => void} callback */
  async all(callback) {
    const sessions = []
    let end = performance.now() + SLICE
    for (const stored of this.#sessions.values()) {
      sessions.push(copyOf(stored))
      if (performance.now() < end) continue
      await new Promise((resolve) => setImmediate(resolve))
      end = performance.now() + SLICE
    }
    callback(null, sessions)
  }
}

/** Of plain data and dates. @param {any} value */
function copyOf(value) {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const copy = Array.isArray(value) ? value.slice() : { ...value }
  for (const name in copy) if (typeof copy[name] === 'object') copy[name] = copyOf(copy[name])
  return copy
}

/**
 * Whether a store can be asked everything: all are but the bare clients and the baselines over them.
 * @param {import('./index.js').MeasuredStore} store
 */
export const isStore = (store) => store.limit !== true || store === memoryBaseline

/** @type {import('./index.js').MeasuredStore} */
export const memoryBaseline = {
  name: 'baseline store: a copy kept in the process',
  limit: true,
  open: async () => ({ store: new MemoryBaselineStore() }),
}
