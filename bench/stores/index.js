// What is measured: for each backend our store, its peers, and the bare client, which is the limit.

/**
 * Where a store keeps its sessions: the address of the server, a name of its own there, a folder of its own.
 * @typedef {{ url: string, namespace: string, folder: string }} Target
 *
 * @typedef {object} MeasuredStore
 * @property {string} name
 * @property {boolean} [ours]
 * @property {boolean} [limit] a bare client or a baseline store: no store is expected to be faster
 * @property {boolean} [tuned] a peer with settings that the example of its README does not have
 * @property {boolean} [touchesLess] does not touch at each request, so a `mix` is less work for it than for the others
 * @property {readonly import('../measuring/workload.js').Operation[]} [operations] those that are measured. Default: all
 * @property {readonly string[]} [questions] those that are asked. Default: all
 * @property {boolean} [fullOnly] a quick run leaves it out
 * @property {(target: Target) => Promise<import('../measuring/workload.js').Opened>} open
 *
 * @typedef {object} Backend
 * @property {string} [server] its name in servers/index.js
 * @property {number} [sessions] how many sessions are kept, where a slow stand-in takes long to fill
 * @property {readonly MeasuredStore[]} stores
 */

/** The backends in the order of the tables. @type {Record<string, string>} */
export const titles = {
  memory: 'Memory',
  disk: 'Files',
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
  mysql: 'MySQL and MariaDB',
  redis: 'Redis',
  mongodb: 'MongoDB',
  couchbase: 'Couchbase',
}

export const backendNames = Object.keys(titles)

/** @param {string} name @returns {Promise<Backend>} */
export function backendOf(name) {
  return import(new URL(`${name}.js`, import.meta.url).href)
}

/** What users are advised to set: a session is touched at most once a minute. */
export const TOUCH_AFTER = 60_000

/** The operations in which that makes a difference. @type {readonly import('../measuring/workload.js').Operation[]} */
export const MIX_ONLY = ['mix']
