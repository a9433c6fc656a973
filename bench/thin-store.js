// The least that a store over a client does: it writes each session as text, and parses the text each time. It takes no care of parallel
// requests, of hung servers and of what others may have stored; and so it is what stores over that client that do could reach.
import session from 'express-session'

class ThinStore extends session.Store {
  /** @param {import('./drive.js').Client} client */
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

  /** Nobody asks for it. @override @param {string} _sid @param {(error?: unknown) => void} [callback] */
  destroy(_sid, callback) {
    callback?.(new Error('a thin store destroys nothing'))
  }
}

/**
 * A store that does nothing but ask this bare client.
 * @param {import('./candidates.js').Candidate} bare
 * @returns {import('./candidates.js').Candidate}
 */
export function thin({ name, open }) {
  return {
    name: `the thinnest store: ${name}`,
    limit: true,
    fullOnly: true,
    open: async (place) => {
      const { client, ...rest } = await open(place)
      return { ...rest, store: new ThinStore(/** @type {import('./drive.js').Client} */ (client)) }
    },
  }
}
