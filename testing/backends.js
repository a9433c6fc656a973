// Our backends, and what it takes to open a store on each: for all programs that do the same on every backend.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from './program.js'
import { server } from './servers/index.js'

/**
 * A backend's server, or its folder.
 * @typedef {object} Started
 * @property {string} url
 * @property {number} [port]
 * @property {import('./program.js').Program} [program]
 * @property {() => Promise<unknown>} stop
 *
 * @typedef {{ url: string, options: Record<string, unknown> }} Place what `openBank` opens: a place for sessions, fresh and empty
 *
 * @typedef {object} Backend
 * @property {string} name of its package in packages/, and of its URLs' scheme
 * @property {string} title
 * @property {string} [server] the server that it needs: its name in testing/servers
 * @property {boolean} [isShared] whether several processes can use the same sessions. Default: true
 * @property {() => Promise<Started>} start a server that keeps what it has acknowledged, or a folder
 * @property {(started: Started) => Place} place a new place
 * @property {readonly ('kill' | 'restart')[]} [survives] what the server can go through without losing what it has acknowledged
 * @property {boolean} [isAnnounced] the server tells its clients its port: see proxy.js
 */

/** @type {readonly Backend[]} */
const all = [
  {
    name: 'memory',
    title: 'memory',
    isShared: false,
    start: async () => ({ url: 'memory:', stop: async () => {} }),
    place: () => ({ url: 'memory:', options: {} }),
  },
  { name: 'disk', title: 'files', ...inFolder('disk') },
  { name: 'sqlite', title: 'SQLite', ...inFolder('sqlite') },
  {
    name: 'redis',
    title: 'Redis',
    server: 'redis',
    start: async () =>
      (await import('./servers/redis.js')).startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }),
    place: ({ url }) => ({ url, options: { prefix: `${randomUUID()}:` } }),
    survives: ['kill', 'restart'],
  },
  {
    name: 'postgres',
    title: 'PostgreSQL',
    server: 'postgresql',
    start: async () => (await import('./servers/postgresql.js')).startPostgresql(),
    place: inTable,
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
    place: inTable,
    survives: ['kill', 'restart'],
  },
  {
    name: 'mongodb',
    title: 'MongoDB',
    server: 'mongodb',
    start: async () => {
      const { url, ...started } = await (await import('./servers/mongodb.js')).startMongodb()
      // Without the journal, what was acknowledged may go with a process that is killed.
      return { ...started, url: url.replace('/?', '/sessions?directConnection=true&journal=true&') }
    },
    place: ({ url }) => ({ url, options: { collectionName: randomUUID() } }),
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
    place: ({ url }) => ({ url, options: { prefix: `${randomUUID()}:` } }),
    isAnnounced: true,
  },
]

export const backends = all.filter(({ name }) => existsSync(join(import.meta.dirname, '../packages', name)))

/** Why a backend can't be started, or undefined. @param {Backend} backend */
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

/** The address of a real cluster, where there is one. */
function realCouchbase() {
  return /** @type {string | undefined} */ (server('couchbase')['url'])
}

/** @param {string} scheme @returns {Pick<Backend, 'start' | 'place'>} */
function inFolder(scheme) {
  return {
    start: async () => {
      const { path, remove } = await scratchFolder()
      return { url: `${scheme}:${path}`, stop: remove }
    },
    place: ({ url }) => ({ url: `${url}/${randomUUID()}`, options: {} }),
  }
}

/** @param {Started} started @returns {Place} */
function inTable({ url }) {
  return { url, options: { table: `sessions_${randomUUID().replaceAll('-', '_')}` } }
}
