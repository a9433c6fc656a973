// Fresh, empty places for sessions: memory, folders, and what the servers that are there have to offer.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after } from 'node:test'
import { scratchFolder } from '../../testing/program.js'
import { server } from '../../testing/servers/index.js'

/**
 * One place: how its bank is opened, and how it is removed.
 * @typedef {{ url: string, options?: Record<string, unknown>, remove: () => Promise<void> }} Place
 *
 * @typedef {{ isShared: boolean, canList: boolean, open: () => Promise<Place> }} Places whether two processes can share one, and
 *   whether the sessions in it can be listed
 */

/** How long anything may take, in milliseconds: a stand-in server on a busy machine takes its time. */
export const patience = 30_000

/** @type {Record<string, Places>} */
export const places = {
  memory: { isShared: false, canList: true, open: async () => ({ url: 'memory:', remove: async () => {} }) },
  disk: { isShared: true, canList: true, open: () => inFolder('disk') },
  ...(await onServers()),
}

/** @param {string} scheme */
async function inFolder(scheme) {
  const { path, remove } = await scratchFolder()
  return { url: `${scheme}:${join(path, 'sessions')}`, remove }
}

/** Servers are started once; each place is a part of one that nobody else uses, and ends with it. */
async function onServers() {
  /** @type {Record<string, Places>} */
  const found = {}
  if (server('redis').missing === undefined) {
    const { startRedis } = await import('../../testing/servers/redis.js')
    found['redis'] = partsOf(await startRedis(), () => ({ prefix: `${randomUUID()}:` }))
  }
  if (server('mongodb').missing === undefined) {
    const { startMongodb } = await import('../../testing/servers/mongodb.js')
    found['mongodb'] = partsOf(await startMongodb(), () => ({ collectionName: randomUUID(), timeout: patience }))
  }
  if (server('couchbase').missing === undefined) {
    const { startCouchbase } = await import('../../testing/servers/couchbase.js')
    // CouchbaseMock has neither range scans nor queries.
    found['couchbase'] = { ...partsOf(await startCouchbase(), () => ({ prefix: `${randomUUID()}:` })), canList: false }
  }
  return found
}

/**
 * @param {{ url: string, stop(): Promise<void> }} running
 * @param {() => Record<string, unknown>} part the options that make a bank use a part of its own
 * @returns {Places}
 */
function partsOf(running, part) {
  after(() => running.stop())
  return { isShared: true, canList: true, open: async () => ({ url: running.url, options: part(), remove: async () => {} }) }
}
