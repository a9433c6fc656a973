// Swaps that come in together are one statement, and each has its own result.
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { PostgresBank } from '../src/index.ts'
import { isMissing, newTable, oneServer, sql } from './support.ts'

const HOUR = 3_600_000
const entry = (n: number, expires = Date.now() + HOUR) => ({ payload: JSON.stringify({ cookie: {}, n }), expires })

describe.skipIf(isMissing)('swaps that come in together', () => {
  const server = oneServer()

  for (const layout of [undefined, 'connect-pg-simple', 'connect-session-sequelize'] as const) {
    describe(layout ?? 'with a table of its own', () => {
      async function opened(jsonType = 'json') {
        const pool = new pg.Pool({ connectionString: server.url })
        const table = newTable()
        if (jsonType === 'jsonb') {
          await sql(
            server.url,
            `create table ${pg.escapeIdentifier(table)} (sid varchar primary key, sess jsonb not null, expire timestamp(6) not null)`,
          )
        }
        const bank = new PostgresBank({ pool, table, ...(layout && { layout }) })
        await bank.open()
        let statements = 0
        pool.on('acquire', () => {
          statements += 1
        })
        const close = async (): Promise<void> => {
          await bank.close()
          await pool.end()
        }
        /** The version of what is stored. */
        const versionOf = async (id: string): Promise<string> => {
          const stored = (await bank.read(id))!
          return stored.version ?? stored.payload
        }
        return { bank, versionOf, close, statements: () => statements }
      }

      it('are few statements, and return versions that the next swaps match', async () => {
        const { bank, versionOf, close, statements } = await opened()
        const ids = Array.from({ length: 100 }, (_, index) => `id-${index}`)
        await Promise.all(ids.map((id) => bank.save(id, entry(0))))
        let versions: (string | null)[] = await Promise.all(ids.map(versionOf))
        for (const round of [1, 2, 3]) {
          const before = statements()
          versions = await Promise.all(ids.map((id, index) => bank.swap(id, versions[index]!, entry(round), Date.now())))
          expect(statements() - before).toBeLessThan(30)
          expect(versions).not.toContain(null)
        }
        const found = await bank.readMany(ids)
        expect(new Set(found.map((stored) => JSON.parse(stored!.payload).n))).toEqual(new Set([3]))
        expect(await Promise.all(ids.map(versionOf))).toEqual(versions)
        await close()
      })

      it('each match their own row, version and time', async () => {
        const { bank, versionOf, close } = await opened()
        const now = Date.now()
        for (const id of ['a', 'b', 'c', 'd']) await bank.save(id, entry(1, now + 1_000))
        const [ofA, ofB, ofC, ofD] = await Promise.all(['a', 'b', 'c', 'd'].map(versionOf))
        await bank.save('b', entry(2, now + HOUR))
        const results = await Promise.all([
          bank.swap('a', ofA!, entry(3), now),
          bank.swap('b', ofB!, entry(3), now),
          // At its own time this one has expired; the others have not.
          bank.swap('c', ofC!, entry(3), now + 1_000),
          bank.swap('d', ofD!, { ...entry(3), expires: null }, now + 999),
          bank.swap('missing', ofA!, entry(3), now),
          bank.swap('a', 'no version', entry(4), now),
        ])
        expect(results.map((version) => version !== null)).toEqual([true, false, false, true, false, false])
        expect(await bank.read('missing')).toBe(null)
        expect(JSON.parse((await bank.read('b'))!.payload).n).toBe(2)
        expect((await bank.read('d'))?.expires).toBe(null)
        await close()
      })

      it('of one row: exactly one wins', async () => {
        const { bank, versionOf, close } = await opened()
        await bank.save('a', entry(0))
        await bank.save('b', entry(0))
        for (let round = 1; round <= 20; round++) {
          const [ofA, ofB] = [await versionOf('a'), await versionOf('b')]
          const swaps = Array.from({ length: 5 }, (_, index) => bank.swap('a', ofA, entry(10 * round + index), Date.now()))
          const other = bank.swap('b', ofB, entry(round), Date.now())
          const results = await Promise.all(swaps)
          expect(await other).not.toBe(null)
          const winners = results.flatMap((version, index) => (version === null ? [] : [index]))
          expect(winners).toHaveLength(1)
          expect(JSON.parse((await bank.read('a'))!.payload).n).toBe(10 * round + winners[0]!)
          expect(await versionOf('a')).toBe(results[winners[0]!])
        }
        await close()
      })

      if (layout === undefined) return

      it('fail alone if the table cannot hold them', async () => {
        const { bank, versionOf, close } = await opened(layout === 'connect-pg-simple' ? 'jsonb' : 'text')
        const bad = layout === 'connect-pg-simple' ? '{"text":"\\u0000"}' : '\0'
        for (const id of ['a', 'b', 'c']) await bank.save(id, entry(0))
        const [ofA, ofB, ofC] = await Promise.all(['a', 'b', 'c'].map(versionOf))
        const results = await Promise.allSettled([
          bank.swap('a', ofA!, entry(1), Date.now()),
          bank.swap('b', ofB!, { payload: bad, expires: null }, Date.now()),
          bank.swap('c', ofC!, entry(1), Date.now()),
          bank.swap('x\0', ofC!, entry(1), Date.now()),
        ])
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
        expect(results[1]).toMatchObject({ reason: { code: 'DATABANK_INVALID_SESSION' } })
        expect(results[3]).toMatchObject({ reason: { code: 'DATABANK_INVALID_ID' } })
        expect((await bank.readMany(['a', 'b', 'c'])).map((stored) => JSON.parse(stored!.payload).n)).toEqual([1, 0, 1])
        await close()
      })
    })
  }

  it('that wait when the bank is closed are sent before', async () => {
    const table = newTable()
    const bank = new PostgresBank({ url: server.url, table })
    const ids = Array.from({ length: 50 }, (_, index) => `id-${index}`)
    const versions = await Promise.all(ids.map((id) => bank.save(id, entry(0))))
    const swaps = ids.map((id, index) => bank.swap(id, versions[index]!, entry(1), Date.now()))
    await bank.close()
    expect(await Promise.all(swaps)).not.toContain(null)
    await expect(bank.swap('id-0', versions[0]!, entry(2), Date.now())).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })
})
