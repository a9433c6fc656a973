import assert from 'node:assert/strict'
import { historyConformance, runHistories, throwFailure } from '@connect-databank/conformance'
import { type CouchbaseBank, openBank } from '@connect-databank/couchbase'
import { DatabankStore, type Layer } from 'connect-databank'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { startProxy } from '../../../testing/proxy.js'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { missing } from './server.ts'

describe.skipIf(missing)('on Couchbase', () => {
  let couchbase: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    couchbase = await startCouchbase()
  })
  afterAll(() => couchbase?.stop())

  /** Stores on one place. */
  async function opened(url: string, layer: Layer, timeout: number, operationTimeout?: number) {
    const prefix = `histories-${Math.random()}:`
    const stores: DatabankStore[] = []
    const open = async () => {
      const bank = openBank(url, { prefix, ...(operationTimeout && { operationTimeout }) }) as CouchbaseBank
      const store = new DatabankStore({ bank: layer(bank), timeout, cleanupInterval: null })
      // Nothing can be listed without a query service, and so not be cleaned up.
      stores.push(Object.assign(store, { cleanup: undefined }))
      return store
    }
    const close = async () => void (await Promise.all(stores.map((store) => store.close())))
    return { store: await open(), another: open, close }
  }

  historyConformance({ describe, it }, { rounding: 0, open: (layer) => opened(couchbase.url, layer, 5_000) })

  // It is not killed or restarted: CouchbaseMock keeps all in memory, so what was acknowledged would be gone, which no history
  // allows. That the bank says so and recovers, `failures.test.ts` asks.
  it('hold while the network fails, and the server is frozen', async () => {
    const proxy = await startProxy(couchbase.port, { isAnnounced: true })
    const { met: _, ...disturbed } = disturbances({ proxy, program: couchbase.program })
    const report = await runHistories({
      calls: 'as they come',
      rounding: 0,
      runs: Number(process.env['DISTURBED_RUNS'] ?? 30),
      limit: 30_000,
      open: async () => {
        const url = couchbase.url.replace(`:${couchbase.port}/`, `:${proxy.port}/`)
        // Operations end before the store gives them up: the bank has to say what became of them.
        const { close, ...stores } = await opened(url, (bank) => bank, 1_000, 200)
        return { ...stores, ...disturbed, close: () => close().finally(() => proxy.close()) }
      },
    })
    throwFailure(report)
    assert.ok(report.failed > 0, 'nothing was disturbed')
  }, 180_000)
})
