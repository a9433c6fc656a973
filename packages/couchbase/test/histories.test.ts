import assert from 'node:assert/strict'
import { historyConformance, runHistories, throwFailure } from '@connect-databank/conformance'
import { openBank } from '@connect-databank/couchbase'
import { DatabankStore, type Layer } from 'connect-databank'
import { extend } from 'connect-databank/backend'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { startProxy } from '../../../testing/proxy.js'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { contextWith, missing } from './support.ts'

describe.skipIf(missing)('on Couchbase', () => {
  let couchbase: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    couchbase = await startCouchbase()
  })
  afterAll(() => couchbase?.stop())

  /** Stores on the same storage. */
  async function opened(url: string, layer: Layer, timeout: number) {
    const prefix = `histories-${Math.random()}:`
    const stores: DatabankStore[] = []
    const open = async () => {
      // The mock has no query service and cannot list: nothing can be cleaned up, and no session is found by its owner.
      const bank = extend(openBank(url, { prefix }, contextWith({ timeout })), { scan: undefined, purge: undefined })
      const store = new DatabankStore({ bank: layer(bank), timeout, cleanupInterval: null })
      stores.push(Object.assign(store, { cleanup: undefined }))
      return store
    }
    const close = async () => void (await Promise.all(stores.map((store) => store.close())))
    return { store: await open(), another: open, close }
  }

  historyConformance({ describe, it }, { rounding: 0, runs: 300, open: (layer) => opened(couchbase.url, layer, 5_000) })

  // The server is not killed or restarted: CouchbaseMock keeps everything in memory, so acknowledged writes would be lost.
  // `unavailable.test.ts` kills it.
  it('hold while the network fails, and the server is frozen', async () => {
    const proxy = await startProxy(couchbase.port, { isAnnounced: true })
    const { met: _, ...disturbed } = disturbances({ proxy, program: couchbase.program })
    const report = await runHistories({
      calls: 'as they come',
      rounding: 0,
      runs: Number(process.env['DISTURBED_RUNS'] ?? 20),
      limit: 30_000,
      open: async () => {
        const url = couchbase.url.replace(`:${couchbase.port}/`, `:${proxy.port}/`)
        const { close, ...stores } = await opened(url, (bank) => bank, 1_000)
        return { ...stores, ...disturbed, close: () => close().finally(() => proxy.close()) }
      },
    })
    throwFailure(report)
    assert.ok(report.failed > 0, 'nothing was disturbed')
  }, 180_000)
})
