import { storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openStore } from 'connect-databank'
import { coalesce } from 'connect-databank/backend'
import { describe, expect, it } from 'vitest'
import { ofLayout } from '../../../testing/parts.ts'
import { newSession } from '../../../testing/requests.ts'
import { openBank, PostgresBank, type PostgresBankOptions, PostgresStore } from '../src/index.ts'
import { isMissing, newTable, oneServer } from './support.ts'

describe.skipIf(isMissing)('a store on PostgreSQL', () => {
  const server = oneServer()

  for (const layout of [undefined, 'connect-pg-simple'] as const) {
    describe(layout ?? 'with a table of its own', () => {
      // No text of PostgreSQL holds NUL, and the tables of other stores have no escape for it.
      const isLeftOut = (check: string): boolean => layout !== undefined && check.endsWith('control characters')
      const runner = {
        describe,
        it: (check: string, body: never, time?: number) => (isLeftOut(check) ? it.skip(check, body) : it(check, body, time)),
      }
      storeConformance(runner as never, {
        rounding: layout === undefined ? 0 : 1_000,
        ...(layout !== undefined && { only: ofLayout }),
        open: async () => {
          const table = newTable()
          const stores: DatabankStore[] = []
          const keep = <Store extends DatabankStore>(store: Store): Store => {
            stores.push(store)
            return store
          }
          const options = { url: server.url, table, maxConnections: 5, ...(layout && { layout }) }
          const another = async (): Promise<DatabankStore> => keep(new PostgresStore(options))
          return {
            store: await another(),
            another,
            configured: async (settings, layer) =>
              keep(new DatabankStore({ ...settings, bank: (context) => layer(coalesce(new PostgresBank(options, context))) })),
            close: async () => void (await Promise.all(stores.map((store) => store.close()))),
          }
        },
      })
    })
  }

  it('is opened by a URL of either scheme', async () => {
    for (const scheme of ['postgres:', 'postgresql:']) {
      const bank = openBank(server.url.replace('postgres:', scheme))
      await bank.open?.()
      await bank.close?.()
      const schemes = { [scheme.slice(0, -1)]: () => import('../src/index.ts') as never }
      const store = await openStore<PostgresBankOptions>(server.url.replace('postgres:', scheme), { schemes, table: 'by_url' })
      await store.set('a', newSession({ user: 'Ada' }))
      expect(await store.get('a')).toMatchObject({ user: 'Ada' })
      await store.close()
    }
  })

  it('compares the clocks when it connects, and warns of a difference', async () => {
    const warnings: string[] = []
    const context = { timeout: 5_000, warn: (message: string) => warnings.push(message) }
    const right = new PostgresBank({ url: server.url }, context)
    await right.open()
    expect(warnings).toEqual([])
    await right.close()
    // The bank's clock is wrong: the server's cannot be set.
    const now = Date.now
    Date.now = () => now() - 3_600_000
    const wrong = new PostgresBank({ url: server.url }, context)
    await wrong.open()
    Date.now = now
    expect(warnings).toEqual([expect.stringContaining('the clock of PostgreSQL is 3600 s ahead')])
    await wrong.close()
  })
})
