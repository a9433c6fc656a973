// Stores with severe faults.
import session from 'express-session'

class Forgetful extends session.Store {
  /** @param {string} _sid @param {(error?: unknown, session?: any) => void} callback */
  get(_sid, callback) {
    setImmediate(callback, null, null)
  }

  /** @param {string} _sid @param {unknown} _session @param {(error?: unknown) => void} [callback] */
  set(_sid, _session, callback = () => {}) {
    setImmediate(callback)
  }

  /** @param {string} _sid @param {(error?: unknown) => void} [callback] */
  destroy(_sid, callback = () => {}) {
    setImmediate(callback)
  }
}

class EndsTheProcess extends session.MemoryStore {
  /** @override */
  destroy() {
    process.exit(7)
  }
}

class BlocksTheEventLoop extends session.MemoryStore {
  /** @override */
  destroy() {
    for (;;);
  }
}

class ThrowsLater extends session.MemoryStore {
  /** @override @param {string} sid @param {(error?: unknown) => void} [callback] */
  destroy(sid, callback) {
    process.nextTick(() => {
      throw new Error('late')
    })
    super.destroy(sid, callback)
  }
}

/** @param {string} name @param {new () => any} Store */
const store = (name, Store) => ({
  name,
  packages: [],
  prepare: async () => async () => ({ store: new Store(), close: async () => {} }),
})

export const stores = [
  store('forgetful', Forgetful),
  store('ends the process at destroy', EndsTheProcess),
  store('blocks the event loop at destroy', BlocksTheEventLoop),
  store('throws after a destroy', ThrowsLater),
  {
    name: 'cannot be had',
    packages: [],
    prepare: async () => {
      throw new Error('no such driver')
    },
  },
]
