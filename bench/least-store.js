// The least that a store does, wherever it keeps its sessions: whoever asks gets a copy of his own, and what is stored is a copy. No
// text, no expiry, no other process, no error. So it is the limit for stores that keep sessions in the process, and for near caches.
import session from 'express-session'

/** How long (ms) a list is worked on in one go. */
const SLICE = 4

export class LeastStore extends session.Store {
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

  /** Others get their turn every few milliseconds. @override @param {(error: unknown, sessions?: any) => void} callback */
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
 * Whether it is a store that somebody could use, or the least; bare clients are none.
 * @param {import('./candidates.js').Candidate} candidate
 */
export const isStore = (candidate) => candidate.limit !== true || candidate === least

/** @type {import('./candidates.js').Candidate} */
export const least = {
  name: 'the least: a copy kept in the process',
  limit: true,
  open: async () => ({ store: new LeastStore() }),
}
