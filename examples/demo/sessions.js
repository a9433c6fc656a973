// What the demo stores in a session, and what it can tell about all of them.
import { createHash } from 'node:crypto'

/**
 * @typedef {import('connect-databank').DatabankStore} Store
 * @typedef {{ handle: string, name: string, since: string, fields: number, expires: number | null }} Listed
 */

/** How many requests go out at once. */
export const parallelRequests = 20

/** How many sessions the table shows at most. */
const listLimit = 100

/** @param {number} number from 1 */
export const counterKey = (number) => `request${String(number).padStart(2, '0')}`

const counterKeys = new Set(Array.from({ length: parallelRequests }, (_, index) => counterKey(index + 1)))
const ownKeys = new Set(['cookie', 'name', 'since', ...counterKeys])

/** The counters of the parallel requests, in their order. @param {Record<string, unknown>} session */
export function countersOf(session) {
  return [...counterKeys].map((key) => Number(session[key] ?? 0))
}

/** What the user has put into the session. @param {Record<string, unknown>} session @returns {[key: string, value: string][]} */
export function valuesOf(session) {
  return Object.entries(session).flatMap(([key, value]) => (ownKeys.has(key) ? [] : [[key, String(value)]]))
}

/**
 * Why the user may not store this; undefined if it may be stored. express-session's own properties and methods, and the demo's, stay as
 * they are.
 * @param {object} session
 * @param {string} key
 * @param {string} value
 */
export function problemOfValue(session, key, value) {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u.test(key)) {
    return 'A key has 1 to 40 letters, digits, spaces, dots, hyphens or underscores, and begins with a letter or digit.'
  }
  const isTaken = ownKeys.has(key) || (key in session && !Object.keys(session).includes(key))
  if (isTaken) return `“${key}” belongs to the session itself. Choose another key.`
  return value.length > 200 ? 'A value has at most 200 characters.' : undefined
}

/** Names a session without giving its id away, which is a credential. @param {string} sid */
export function handleOf(sid) {
  return createHash('sha256').update(sid).digest('hex').slice(0, 16)
}

/** The live sessions that are logged in, by name; undefined if the storage can't list them. @param {Store} store */
export async function listSessions(store) {
  try {
    return await list(store)
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === 'DATABANK_NOT_SUPPORTED') return undefined
    throw error
  }
}

/** @param {Store} store */
async function list(store) {
  /** @type {Listed[]} */
  const found = []
  for await (const [sid, session] of store.entries()) {
    const { cookie, ...data } = session
    const { name, since } = /** @type {Record<string, unknown>} */ (data)
    if (typeof name !== 'string') continue
    const expires = cookie.expires ? new Date(cookie.expires).getTime() : null
    found.push({ handle: handleOf(sid), name, since: String(since), fields: Object.keys(data).length, expires })
    if (found.length === listLimit) break
  }
  return found.sort((one, other) => one.name.localeCompare(other.name) || one.since.localeCompare(other.since))
}

/** Ends the session that has this handle, if it is live. @param {Store} store @param {string} handle */
export async function endSession(store, handle) {
  for await (const [sid] of store.entries()) {
    if (handleOf(sid) === handle) return store.destroyById(sid)
  }
}
