import { storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openStore } from 'connect-databank'
import { coalesce } from 'connect-databank/backend'
import { describe, expect, it } from 'vitest'
import { ofLayout } from '../../../testing/parts.ts'
import { newSession } from '../../../testing/requests.ts'
import { MysqlBank, MysqlStore, openBank } from '../src/index.ts'
import { kinds, mariadb, newTable, oneServer } from './support.ts'

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`a store on ${kind.name}`, () => {
    const server = oneServer(kind)

    // To the store both servers are the same, and to the servers both tables: each of them once.
    for (const layout of kind === mariadb ? [undefined] : (['express-mysql-session'] as const)) {
      describe(layout ?? 'with a table of its own', () => {
        // The other store holds ids of 128 characters, takes no trailing space for a difference, and rounds an expiry up to a second.
        const isLeftOut = (check: string): boolean =>
          layout !== undefined && /two hundred bytes|spaces and invisible characters$|no cookie expires later/.test(check)
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
            const another = async (): Promise<DatabankStore> => keep(new MysqlStore(options))
            return {
              store: await another(),
              another,
              configured: async (settings, layer) =>
                keep(new DatabankStore({ ...settings, bank: (context) => layer(coalesce(new MysqlBank(options, context))) })),
              close: async () => void (await Promise.all(stores.map((store) => store.close()))),
            }
          },
        })
      })
    }

    it('is opened by a URL of either scheme', async () => {
      for (const scheme of ['mysql:', 'mariadb:']) {
        const url = server.url.replace('mysql:', scheme)
        const bank = openBank(url)
        await bank.open?.()
        await bank.close?.()
        const store = await openStore<object>(url, {
          schemes: { [scheme.slice(0, -1)]: () => import('../src/index.ts') as never },
        })
        await store.set('a', newSession({ user: 'Ada' }))
        expect(await store.get('a')).toMatchObject({ user: 'Ada' })
        await store.close()
      }
    })

    it('names the server', async () => {
      const store = new MysqlStore({ url: server.url })
      expect(await store.check()).toEqual({
        backend: 'mysql',
        server: expect.stringMatching(new RegExp(`^${kind === mariadb ? 'MariaDB 10\\.' : 'MySQL [89]\\.'}`)),
        latency: expect.any(Number),
      })
      await store.close()
    })

    it('compares the clocks when it connects, and warns of a difference', async () => {
      const warnings: string[] = []
      const context = { timeout: 5_000, warn: (message: string) => warnings.push(message) }
      const right = new MysqlBank({ url: server.url }, context)
      await right.open()
      expect(warnings).toEqual([])
      await right.close()
      // The bank's clock is wrong: the server's cannot be set.
      const now = Date.now
      Date.now = () => now() - 3_600_000
      const wrong = new MysqlBank({ url: server.url }, context)
      await wrong.open()
      Date.now = now
      expect(warnings).toEqual([expect.stringContaining('the clock of MySQL is 3600 s ahead')])
      await wrong.close()
    })
  })
}
