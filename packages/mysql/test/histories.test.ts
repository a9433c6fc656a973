import { historyConformance, ownerInHistories, runHistories, throwFailure } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { type BankContext, coalesce } from 'connect-databank/backend'
import { describe, expect, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { startProxy } from '../../../testing/proxy.js'
import { MysqlBank, MysqlStore } from '../src/index.ts'
import { kinds, newTable, oneServer, quote, sql } from './support.ts'

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`on ${kind.name}`, () => {
    const server = oneServer(kind)

    // The tables of other stores hold whole seconds, which histories take for sessions that outlive their expiry.
    historyConformance(
      { describe, it },
      {
        owners: true,
        rounding: 0,
        runs: 200,
        time: 180_000,
        open: async (layer) => {
          const table = newTable()
          const stores: DatabankStore[] = []
          const open = async (): Promise<DatabankStore> => {
            const options = { url: server.url, table, maxConnections: 4 }
            const bank = (context: BankContext) => layer(coalesce(new MysqlBank(options, context)))
            const store = new DatabankStore({ bank, owner: ownerInHistories })
            stores.push(store)
            return store
          }
          const close = async (): Promise<void> => {
            await Promise.all(stores.map((store) => store.close()))
            await sql(server.url, `drop table if exists ${quote(table)}`)
          }
          return { store: await open(), another: open, close }
        },
      },
    )

    it('hold while the network fails, and the server is frozen, killed or restarted', async () => {
      const proxy = await startProxy(server.port)
      const { met: _, ...disturbed } = disturbances({ proxy, program: server.program, survives: ['kill', 'restart'] })
      const report = await runHistories({
        calls: 'as they come',
        owners: true,
        rounding: 0,
        runs: Number(process.env['DISTURBED_RUNS'] ?? 20),
        limit: 30_000,
        open: async () => {
          const table = newTable()
          const stores: DatabankStore[] = []
          const open = async (): Promise<DatabankStore> => {
            const url = server.url.replace(`:${server.port}`, `:${proxy.port}`)
            const store = new MysqlStore({ url, table, timeout: 500, maxConnections: 4, owner: ownerInHistories })
            stores.push(store)
            return store
          }
          const close = async (): Promise<void> => {
            await Promise.allSettled(stores.map((store) => store.close()))
            await proxy.close()
          }
          return { store: await open(), another: open, ...disturbed, close }
        },
      })
      throwFailure(report)
      expect(report.failed).toBeGreaterThan(0)
    }, 180_000)
  })
}
