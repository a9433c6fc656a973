import session from 'express-session'
import { sessionData } from '../measuring/sessions.js'

/** The name of the store that others are compared with. */
export const NOTHING = 'a store that does nothing'

/** Every session exists, and none is kept. */
class NothingStore extends session.Store {
  #data = sessionData(2_000, 0)

  /** @param {string} _sid @param {(error: null, session: any) => void} callback @override */
  get(_sid, callback) {
    const expires = new Date(Date.now() + 86_400_000)
    setImmediate(callback, null, { cookie: { originalMaxAge: 86_400_000, expires, httpOnly: true, path: '/' }, ...this.#data })
  }

  /** @param {string} _sid @param {unknown} _session @param {() => void} callback @override */
  set(_sid, _session, callback) {
    setImmediate(callback)
  }

  /** @param {string} _sid @param {unknown} _session @param {() => void} callback @override */
  touch(_sid, _session, callback) {
    setImmediate(callback)
  }

  /** @param {string} _sid @param {() => void} callback @override */
  destroy(_sid, callback) {
    setImmediate(callback)
  }
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: NOTHING, limit: true, open: async () => ({ store: new NothingStore() }) },
  { name: 'no sessions', limit: true, questions: ['requests'], open: async () => ({}) },
]
