import { historyConformance, ownerInHistories, runHistories, throwFailure } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, expect, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { SqliteBank, SqliteStore } from '../src/index.ts'
import { BetterSqlite3 } from './fixtures/better-sqlite3.ts'

for (const layout of [undefined, 'better-sqlite3-session-store'] as const) {
  describe(layout === undefined ? 'with a table of its own' : `with the table of ${layout}`, () => {
    historyConformance(
      { describe, it },
      {
        rounding: 0,
        owners: layout === undefined,
        runs: layout === undefined ? 700 : 200,
        time: 180_000,
        open: async (layer) => {
          const folder = await scratchFolder()
          const stores: DatabankStore[] = []
          const open = async (): Promise<DatabankStore> => {
            const options = { path: `${folder.path}/sessions.db`, ...(layout && { layout }) }
            const owner = layout === undefined && { owner: ownerInHistories }
            const store = new DatabankStore({ ...owner, bank: (context) => layer(new SqliteBank(options, context)) })
            stores.push(store)
            return store
          }
          const close = async (): Promise<void> => {
            await Promise.all(stores.map((store) => store.close()))
            await folder.remove()
          }
          return { store: await open(), another: open, close }
        },
      },
    )
  })
}

/** How long an operation of the stores may take, in milliseconds. They wait for a lock for less than half of it. */
const TIMEOUT = 200

describe('on a file', () => {
  it('hold while another program takes the lock, for longer than the stores wait', async () => {
    let path = ''
    let unlock = (): void => {}
    let timer: NodeJS.Timeout | undefined
    let locks = 0
    /** Takes the lock: every other time at once, for longer than a store waits, else at some moment, for some time. */
    const disturb = async (_name: string, random: (bound: number) => number): Promise<void> => {
      const database = new BetterSqlite3(path)
      unlock = () => void database.close()
      const lock = (milliseconds: number): void => {
        try {
          database.exec('begin immediate')
        } catch {
          return // A store has it at this moment.
        }
        timer = setTimeout(() => database.exec('rollback'), milliseconds)
      }
      locks += 1
      if (locks % 2 === 1) lock(TIMEOUT)
      else timer = setTimeout(() => lock(random(TIMEOUT)), random(20))
    }
    const calm = async (): Promise<void> => {
      clearTimeout(timer)
      unlock()
    }
    const open = async () => {
      const folder = await scratchFolder()
      path = `${folder.path}/sessions.db`
      const stores: DatabankStore[] = []
      const another = async (): Promise<DatabankStore> => {
        const store = new SqliteStore({ path, engine: 'better-sqlite3', timeout: TIMEOUT, owner: ownerInHistories })
        stores.push(store)
        return store
      }
      const close = async (): Promise<void> => {
        await Promise.all(stores.map((store) => store.close()))
        await folder.remove()
      }
      const store = await another()
      await store.open()
      return { store, another, disturb, calm, close }
    }
    const runs = Number(process.env['DISTURBED_RUNS'] ?? 60)
    const report = await runHistories({ calls: 'as they come', owners: true, rounding: 0, runs, limit: 30_000, open })
    throwFailure(report)
    expect(report.failed).toBeGreaterThan(0)
  }, 180_000)
})
