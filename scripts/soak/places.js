// Where the soak lets histories take place: every backend, those with a server if it is there.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskBank } from '@connect-databank/disk'
import { MemoryBank } from '@connect-databank/memory'
import { coalesce, DatabankStore } from 'connect-databank'
import { disturbances } from '../../testing/disturbances.js'
import { startProxy } from '../../testing/proxy.js'
import { server } from '../../testing/servers/index.js'

/**
 * @typedef {import('connect-databank').Layer} Layer
 * @typedef {import('connect-databank').Bank} Bank
 * @typedef {import('@connect-databank/conformance').OpenedForHistories} Opened
 * @typedef {{ name: string, isDisturbed?: boolean, open: (layer: Layer) => Promise<Opened>, stop?: () => Promise<unknown> }} Place
 */

const folder = () => mkdtemp(join(tmpdir(), 'connect-databank-soak-'))

/**
 * Stores on banks of one place.
 * @param {() => Bank} makeBank
 * @param {Layer} layer
 * @param {{ timeout?: number, afterwards?: () => unknown, canCleanUp?: boolean }} [wishes]
 * @returns {Promise<Opened>}
 */
async function opened(makeBank, layer, { timeout = 30_000, afterwards, canCleanUp = true } = {}) {
  /** @type {DatabankStore[]} */
  const stores = []
  const open = async () => {
    const store = new DatabankStore({ bank: layer(makeBank()), timeout })
    stores.push(canCleanUp ? store : Object.assign(store, { cleanup: undefined }))
    return store
  }
  const close = async () => {
    await Promise.allSettled(stores.map((store) => store.close()))
    await afterwards?.()
  }
  return { store: await open(), another: open, close }
}

/** @type {Place[]} */
const withoutServer = [
  {
    name: 'memory',
    open: (layer) => {
      const bank = new MemoryBank()
      return opened(() => bank, layer)
    },
  },
  {
    name: 'memory, coalesced',
    open: (layer) => {
      const bank = new MemoryBank()
      return opened(() => coalesce(bank), layer)
    },
  },
  {
    name: 'disk',
    open: async (layer) => {
      const path = await folder()
      return opened(() => new DiskBank({ path }), layer, { afterwards: () => rm(path, { recursive: true, force: true }) })
    },
  },
]

/** @typedef {{ url: string, port: number, program: import('../../testing/program.js').Program, stop(): Promise<unknown> }} Started */

/** @type {Readonly<Record<string, { start: () => Promise<Started>, url: (started: Started, port: number) => string, isAnnounced?: boolean, disturbed?: object, survives?: readonly ('kill' | 'restart')[], canCleanUp?: boolean }>>} */
const servers = {
  redis: {
    start: async () =>
      (await import('../../testing/servers/redis.js')).startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }),
    url: (_started, port) => `redis://127.0.0.1:${port}`,
    survives: ['kill', 'restart'],
  },
  mongodb: {
    start: async () => (await import('../../testing/servers/mongodb.js')).startMongodb(),
    // Without the journal, what was acknowledged may go with a process that is killed.
    url: (_started, port) => `mongodb://127.0.0.1:${port}/soak?directConnection=true&journal=true`,
    survives: ['kill', 'restart'],
  },
  couchbase: {
    start: async () => (await import('../../testing/servers/couchbase.js')).startCouchbase(),
    url: ({ url, port: own }, port) => url.replace(`:${own}/`, `:${port}/`),
    isAnnounced: true,
    // Operations end before the store gives them up: the bank has to say what became of them.
    disturbed: { operationTimeout: 200 },
    // Nothing can be listed without a query service.
    canCleanUp: false,
  },
}

/** Everything that is there, servers started; each server twice: as it is, and disturbed. @returns {Promise<Place[]>} */
export async function places() {
  const found = [...withoutServer]
  for (const [name, { start, url, isAnnounced = false, disturbed = {}, survives = [], canCleanUp = true }] of Object.entries(
    servers,
  )) {
    const { missing } = server(name)
    if (missing !== undefined) {
      console.log(`${name} is left out: ${missing}`)
      continue
    }
    const started = await start()
    const calmBank = await bankMaker(url(started, started.port))
    found.push({ name, open: (layer) => opened(calmBank, layer, { canCleanUp }), stop: () => started.stop() })
    found.push({
      name: `${name}, disturbed`,
      isDisturbed: true,
      open: async (layer) => {
        const proxy = await startProxy(started.port, { isAnnounced })
        const { disturb, calm } = disturbances({ proxy, program: started.program, survives })
        const makeBank = await bankMaker(url(started, proxy.port), disturbed)
        const stores = await opened(makeBank, layer, { timeout: 500, canCleanUp, afterwards: () => proxy.close() })
        return { ...stores, disturb, calm }
      },
    })
  }
  return found
}

/** @param {string} url @param {object} [options] @returns {Promise<() => Bank>} */
async function bankMaker(url, options = {}) {
  const name = String(url.split(':')[0])
  const { openBank: open } = await import(`@connect-databank/${name}`)
  return () => open(url, options)
}
