import { historyConformance, ownerInHistories } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { SqliteBank } from '../src/index.ts'

for (const layout of [undefined, 'better-sqlite3-session-store'] as const) {
  describe(layout === undefined ? 'with a table of its own' : `with the table of ${layout}`, () => {
    historyConformance(
      { describe, it },
      {
        rounding: 0,
        owners: layout === undefined,
        runs: layout === undefined ? 2_000 : 500,
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
