// The backends, with functions to start them, for programs that run on every backend.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from './program.js'
import { server } from './servers/index.js'

/**
 * A running backend: a server or a folder.
 * @typedef {object} Started
 * @property {string} url
 * @property {number} [port]
 * @property {import('./program.js').Program} [program]
 * @property {() => Promise<unknown>} stop
 *
 * @typedef {{ url: string, options: Record<string, unknown> }} Location the arguments of `openBank` for a new, empty set of sessions
 *
 * @typedef {object} Backend
 * @property {string} name its folder in packages/, which is also the scheme of its URLs
 * @property {string} title its name in texts
 * @property {string} [server] the server that it needs, by its name in testing/servers
 * @property {boolean} [isShared] whether several processes can use the same sessions. Default: true
 * @property {() => Promise<Started>} start starts a server that keeps every acknowledged write, or makes a folder
 * @property {(started: Started) => Location} location a new location
 * @property {readonly ('kill' | 'restart')[]} [survives] the faults without a loss of acknowledged writes. Default: none
 * @property {boolean} [expiresByOwnClock] the server expires sessions by its own clock. Default: false
 * @property {boolean} [isAnnounced] the server announces its port to its clients: see proxy.js
 */

/** @type {readonly Backend[]} */
const all = [
  {
    name: 'memory',
    title: 'memory',
    isShared: false,
    start: async () => ({ url: 'memory:', stop: async () => {} }),
    location: () => ({ url: 'memory:', options: {} }),
  },
  { name: 'disk', title: 'files', ...inFolder('disk') },
  { name: 'sqlite', title: 'SQLite', ...inFolder('sqlite') },
  {
    name: 'redis',
    title: 'Redis',
    server: 'redis',
    start: async () =>
      (await import('./servers/redis.js')).startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }),
    location: ({ url }) => ({ url, options: { prefix: `${randomUUID()}:` } }),
    survives: ['kill', 'restart'],
    expiresByOwnClock: true,
  },
  {
    name: 'postgres',
    title: 'PostgreSQL',
    server: 'postgresql',
    start: async () => (await import('./servers/postgresql.js')).startPostgresql(),
    location: inTable,
    survives: ['kill', 'restart'],
  },
  {
    name: 'mysql',
    title: 'MariaDB',
    server: 'mariadb',
    start: async () => {
      const { url, ...started } = await (await import('./servers/mariadb.js')).startMariadb()
      return { ...started, url: url.replace('mysql:', 'mariadb:') }
    },
    location: inTable,
    survives: ['kill', 'restart'],
  },
  {
    name: 'mongodb',
    title: 'MongoDB',
    server: 'mongodb',
    start: async () => {
      const { url, ...started } = await (await import('./servers/mongodb.js')).startMongodb()
      // Without the journal, kill -9 may lose acknowledged writes.
      return { ...started, url: url.replace('/?', '/sessions?directConnection=true&journal=true&') }
    },
    location: ({ url }) => ({ url, options: { collectionName: randomUUID() } }),
    survives: ['kill', 'restart'],
  },
  {
    name: 'couchbase',
    title: 'Couchbase',
    server: 'couchbase',
    start: async () => {
      const url = realCouchbase()
      if (url !== undefined) return { url, stop: async () => {} }
      return (await import('./servers/couchbase.js')).startCouchbase()
    },
    location: ({ url }) => ({ url, options: { prefix: `${randomUUID()}:` } }),
    isAnnounced: true,
    expiresByOwnClock: true,
  },
]

export const backends = all.filter(({ name }) => existsSync(join(import.meta.dirname, '../packages', name)))

/** Why a backend cannot be started, or undefined. @param {Backend} backend */
export function missing({ server: name }) {
  return name === undefined ? undefined : server(name).missing
}

/** @param {string} name */
export function backendOf(name) {
  return backends.find((backend) => backend.name === name)
}

/**
 * Whether its sessions can be listed: CouchbaseMock has neither range scans nor queries, a real cluster has both.
 * @param {Backend} backend
 */
export function canList({ name }) {
  return name !== 'couchbase' || realCouchbase() !== undefined
}

/** The address of a real cluster, if COUCHBASE_URL names one. */
function realCouchbase() {
  return /** @type {string | undefined} */ (server('couchbase')['url'])
}

/** @param {string} scheme @returns {Pick<Backend, 'start' | 'location'>} */
function inFolder(scheme) {
  return {
    start: async () => {
      const { path, remove } = await scratchFolder()
      return { url: `${scheme}:${path}`, stop: remove }
    },
    location: ({ url }) => ({ url: `${url}/${randomUUID()}`, options: {} }),
  }
}

/** @param {Started} started @returns {Location} */
function inTable({ url }) {
  return { url, options: { table: `sessions_${randomUUID().replaceAll('-', '_')}` } }
}
