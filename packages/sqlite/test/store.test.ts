import { storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openStore } from 'connect-databank'
import { describe, expect, it } from 'vitest'
import { ofLayout } from '../../../testing/parts.ts'
import { scratchFolder } from '../../../testing/program.js'
import { newSession } from '../../../testing/requests.ts'
import { SqliteBank, SqliteStore } from '../src/index.ts'

for (const layout of [undefined, 'connect-session-knex'] as const) {
  describe(layout === undefined ? 'a store with a table of its own' : `a store with the table of ${layout}`, () => {
    // Other stores' tables have no escape for NUL.
    const isLeftOut = (check: string): boolean => layout !== undefined && check.endsWith('control characters')
    const runner = {
      describe,
      it: (check: string, body: never, time?: number) => (isLeftOut(check) ? it.skip(check, body) : it(check, body, time)),
    }
    storeConformance(runner as never, {
      rounding: 0,
      ...(layout !== undefined && { only: ofLayout }),
      open: async () => {
        const folder = await scratchFolder()
        const stores: DatabankStore[] = []
        const keep = <Store extends DatabankStore>(store: Store): Store => {
          stores.push(store)
          return store
        }
        const options = { path: `${folder.path}/sessions.db`, ...(layout && { layout }) }
        const another = async (): Promise<DatabankStore> => keep(new SqliteStore(options))
        return {
          store: await another(),
          another,
          configured: async (settings, layer) =>
            keep(new DatabankStore({ ...settings, bank: (context) => layer(new SqliteBank(options, context)) })),
          close: async () => {
            await Promise.all(stores.map((store) => store.close()))
            await folder.remove()
          },
        }
      },
    })
  })
}

describe('a store', () => {
  it('is opened by a URL', async () => {
    const folder = await scratchFolder()
    const schemes = { sqlite: () => import('../src/index.ts') as never }
    for (const url of [`sqlite:${folder.path}/a.db`, `sqlite://${folder.path}/a.db?durable=true`, 'sqlite::memory:']) {
      const store = await openStore(url, { schemes })
      await store.set('a', newSession({ user: 'Ada' }))
      expect(await store.get('a')).toMatchObject({ user: 'Ada' })
      await store.close()
    }
    await folder.remove()
  })
})
