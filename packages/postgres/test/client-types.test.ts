// What an application may have told pg to make of the types of cells.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newSession } from '../../../testing/requests.ts'
import { PostgresBank, type PostgresBankOptions, PostgresStore } from '../src/index.ts'
import { isMissing, newTable, oneServer } from './support.ts'

const { builtins } = pg.types
const OIDS = [
  builtins.INT8,
  builtins.TEXT,
  builtins.VARCHAR,
  builtins.JSON,
  builtins.JSONB,
  builtins.TIMESTAMP,
  builtins.TIMESTAMPTZ,
  builtins.FLOAT8,
  builtins.NUMERIC,
  builtins.BOOL,
]

const parsers: Record<string, (text: string) => unknown> = {
  'big integers': (text) => (/^-?\d+$/.test(text) ? BigInt(text) : text),
  numbers: (text) => (Number.isNaN(Number(text)) ? text : Number(text)),
  dates: (text) => new Date(text),
  objects: (text) => ({ text }),
  nothing: () => undefined,
}

describe.skipIf(isMissing)('a client that makes other things of cells', () => {
  const server = oneServer()
  const before = new Map<number, unknown>()
  beforeAll(() => {
    for (const oid of OIDS) before.set(oid, pg.types.getTypeParser(oid))
  })
  afterAll(() => {
    for (const [oid, parser] of before) pg.types.setTypeParser(oid, parser as never)
  })

  for (const [what, parser] of Object.entries(parsers)) {
    for (const layout of [undefined, 'connect-pg-simple', 'connect-session-sequelize'] as const) {
      it(`makes ${what} of them: sessions are read and written all the same (${layout ?? 'own table'})`, async () => {
        for (const oid of OIDS) pg.types.setTypeParser(oid, parser)
        const pool = new pg.Pool({
          connectionString: server.url,
          ...({ binary: layout === undefined } as object),
          types: { getTypeParser: () => parser } as never,
        })
        const options: PostgresBankOptions = { pool, table: newTable(), ...(layout && { layout }) }
        const store = new PostgresStore(options)
        const bank = new PostgresBank(options)
        const data = newSession({ user: 'Ada' })
        await store.set('a', data)
        expect(await store.get('a')).toMatchObject({ user: 'Ada', cookie: { expires: data.cookie.expires?.toISOString() } })
        await store.update('a', (session) => Object.assign(session, { n: 1 }))
        await store.touch('a', newSession({}, 7_200_000))
        expect(await store.all()).toEqual([expect.objectContaining({ n: 1 })])
        expect(await bank.count(Date.now())).toBe(1)
        expect(await bank.readMany(['b', 'a'])).toEqual([null, expect.objectContaining({ payload: expect.any(String) })])
        expect(await bank.purge(Date.now() + 8_000_000)).toBe(1)
        await store.close()
        await pool.end()
      })
    }
  }
})
