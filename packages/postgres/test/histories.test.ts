import { historyConformance, ownerInHistories, runHistories, throwFailure } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { type BankContext, coalesce } from 'connect-databank/backend'
import { describe, expect, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { startProxy } from '../../../testing/proxy.js'
import { PostgresBank, PostgresStore } from '../src/index.ts'
import { isMissing, newTable, oneServer, sql } from './support.ts'

describe.skipIf(isMissing)('on PostgreSQL', () => {
  const server = oneServer()

  for (const layout of [undefined, 'connect-pg-simple'] as const) {
    describe(layout ?? 'with a table of its own', () => {
      historyConformance(
        { describe, it },
        {
          // The table of connect-pg-simple has no owners: listing them reads all sessions.
          owners: layout === undefined,
          rounding: 0,
          runs: layout === undefined ? 400 : 100,
          time: 180_000,
          open: async (layer) => {
            const table = newTable()
            const stores: DatabankStore[] = []
            const open = async (): Promise<DatabankStore> => {
              const options = { url: server.url, table, maxConnections: 4, ...(layout && { layout }) }
              const owner = layout === undefined && { owner: ownerInHistories }
              const bank = (context: BankContext) => layer(coalesce(new PostgresBank(options, context)))
              const store = new DatabankStore({ ...owner, bank })
              stores.push(store)
              return store
            }
            const close = async (): Promise<void> => {
              await Promise.all(stores.map((store) => store.close()))
              await sql(server.url, `drop table if exists "${table.replaceAll('"', '""')}"`)
            }
            return { store: await open(), another: open, close }
          },
        },
      )
    })
  }

  it('hold while the network fails, and the server is frozen, killed or restarted', async () => {
    const proxy = await startProxy(server.port)
    const { met: _, ...disturbed } = disturbances({ proxy, program: server.program, survives: ['kill', 'restart'] })
    const report = await runHistories({
      calls: 'as they come',
      owners: true,
      rounding: 0,
      runs: Number(process.env['DISTURBED_RUNS'] ?? 30),
      limit: 30_000,
      open: async () => {
        const table = newTable()
        const stores: DatabankStore[] = []
        const open = async (): Promise<DatabankStore> => {
          const url = `postgres://postgres@127.0.0.1:${proxy.port}/postgres`
          const store = new PostgresStore({ url, table, timeout: 500, maxConnections: 4, owner: ownerInHistories })
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
