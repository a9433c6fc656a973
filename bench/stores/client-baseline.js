// The baseline for stores over a client: it writes each session as text, and parses the text each time. It does nothing about parallel
// requests, servers that hang, and sessions of other makers. A store that does can at best be as fast.
import session from 'express-session'
import { MIX_ONLY } from './index.js'

class ClientBaselineStore extends session.Store {
  /** @param {import('../measuring/workload.js').Client} client */
  constructor(client) {
    super()
    this.client = client
  }

  /** @override @param {string} sid @param {(error: unknown, session?: any) => void} callback */
  get(sid, callback) {
    this.client.get(sid).then((text) => process.nextTick(callback, null, JSON.parse(text)), callback)
  }

  /** @override @param {string} sid @param {any} live @param {(error?: unknown) => void} callback */
  set(sid, live, callback) {
    this.client
      .set(sid, JSON.stringify(live), live.cookie.expires.getTime())
      .then(() => process.nextTick(callback, null), callback)
  }

  /** @override @param {string} sid @param {any} live @param {(error?: unknown) => void} callback */
  touch(sid, live, callback) {
    this.client.touch(sid, live.cookie.expires.getTime()).then(() => process.nextTick(callback, null), callback)
  }

  /** The benchmark never calls it. @override @param {string} _sid @param {(error?: unknown) => void} [callback] */
  destroy(_sid, callback) {
    callback?.(new Error('a baseline store destroys nothing'))
  }
}

/**
 * A store that does nothing but ask this bare client.
 * @param {import('./index.js').MeasuredStore} bare
 * @returns {import('./index.js').MeasuredStore}
 */
export function baselineStore({ name, open }) {
  return {
    name: `baseline store: ${name}`,
    limit: true,
    operations: MIX_ONLY,
    fullOnly: true,
    open: async (target) => {
      const { client, ...rest } = await open(target)
      return { ...rest, store: new ClientBaselineStore(/** @type {import('../measuring/workload.js').Client} */ (client)) }
    },
  }
}
