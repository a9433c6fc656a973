// Many processes on one table: no update is lost, nobody waits for ever, nobody gets a deadlock.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { newSession } from '../../../testing/requests.ts'
import { MysqlStore } from '../src/index.ts'
import { kinds, newTable, oneServer, opened, quote, sql } from './support.ts'

const HOUR = 3_600_000

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`on one table of ${kind.name}`, () => {
    const server = oneServer(kind)

    it('four processes lose no update', async () => {
      const { folder, remove } = await bundle({ process: join(import.meta.dirname, 'fixtures/process.ts') })
      const table = newTable()
      const store = new MysqlStore({ url: server.url, table })
      for (let index = 0; index < 20; index++) await store.set(`shared-${index}`, newSession({ n: 0 }))
      const args = [join(folder, 'process.js'), server.url, table, '25']
      await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args)))
      expect(await store.get('shared-0')).toMatchObject({ n: 100 })
      expect(await store.get('shared-1')).toMatchObject({ n: 100 })
      await store.close()
      await remove()
    }, 60_000)

    it('ten instances clean up at once while others touch and write: each row is deleted once, and nothing fails', async () => {
      const { table, another, close } = opened(server.url, { maxConnections: 3 })
      const banks = await Promise.all(Array.from({ length: 10 }, another))
      await banks[0]!.open()
      const now = Date.now()
      const rows = (name: string, count: number, expires: number): string =>
        Array.from({ length: count }, (_, index) => `('${name}-${index + 1}', '{}', ${expires + (index % 1000)}, null, 1)`).join()
      await sql(
        server.url,
        `insert into ${quote(table)} (id, payload, expires, owner, version) values ${rows('expired', 6_000, now - HOUR)}`,
        `insert into ${quote(table)} (id, payload, expires, owner, version) values ${rows('live', 300, now + HOUR)}`,
      )
      const live = Array.from({ length: 300 }, (_, index) => `live-${index + 1}`)
      const touches = banks.flatMap((bank) => {
        const shuffled = [...live].sort(() => Math.random() - 0.5)
        return Array.from({ length: 3 }, (_, n) =>
          bank.touchMany(
            shuffled.map((id) => [id, now + 2 * HOUR + n]),
            now,
          ),
        )
      })
      const writes = banks.map((bank, index) =>
        bank.swap(`expired-${index + 1}`, null, { payload: '{"new":1}', expires: now + HOUR }, now),
      )
      await Promise.all(banks.map((bank) => bank.purge(now)))
      await Promise.all(touches)
      expect((await Promise.all(writes)).filter((version) => version !== null)).toHaveLength(10)
      expect(await sql(server.url, `select count(*) as count from ${quote(table)}`)).toEqual([{ count: 310 }])
      await close()
    }, 60_000)

    it('instances that clear, clean up and touch at once do not fail', async () => {
      const { table, another, close } = opened(server.url, { maxConnections: 3 })
      const banks = await Promise.all(Array.from({ length: 6 }, another))
      await banks[0]!.open()
      const now = Date.now()
      const ids = Array.from({ length: 3_000 }, (_, index) => `id-${index + 1}`)
      const values = ids.map((id, index) => `('${id}', '{}', ${now + ((index % 3) - 1) * HOUR}, null, 1)`).join()
      await sql(server.url, `insert into ${quote(table)} (id, payload, expires, owner, version) values ${values}`)
      const work = banks.flatMap((bank) => {
        const touches = [...ids].sort(() => Math.random() - 0.5).map((id) => [id, now + 2 * HOUR] as const)
        return [bank.touchMany(touches, now), bank.clear(), bank.purge(now)]
      })
      await Promise.all(work)
      expect(await banks[0]!.count(now)).toBe(0)
      await close()
    }, 60_000)
  })
}
