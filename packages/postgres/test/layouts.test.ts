// What the tables of other stores can hold, and what becomes of the rest.
import { bankConformance } from '@connect-databank/conformance'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ofLayout } from '../../../testing/parts.ts'
import { PostgresBank, type PostgresBankOptions, PostgresStore } from '../src/index.ts'
import { isMissing, newTable, oneServer, opened, sql } from './support.ts'

const HOUR = 3_600_000
const entry = (payload = '{"cookie":{}}') => ({ payload, expires: Date.now() + HOUR })
const quote = pg.escapeIdentifier

/** The text of tables of other stores holds no NUL: these checks of the bank cannot pass. */
const OF_ALL = /if another version|control characters|any id/

const forms: Record<string, { layout: PostgresBankOptions['layout']; columns?: string; cannot?: RegExp }> = {
  'connect-pg-simple': { layout: 'connect-pg-simple' },
  'connect-pg-simple with jsonb': {
    layout: 'connect-pg-simple',
    columns: 'sid varchar primary key, sess jsonb not null, expire timestamp(6) not null',
    // jsonb keeps what the text means, and not the text.
    cannot: /what was saved|whatever text|leaves the payload/,
  },
  'connect-pg-simple with a time zone': {
    layout: 'connect-pg-simple',
    columns: 'sid varchar primary key, sess json not null, expire timestamptz not null',
  },
  'connect-session-knex': {
    layout: 'connect-session-knex',
    columns: 'sid varchar(255) primary key, sess json not null, expired timestamptz not null',
  },
  'connect-session-knex with text': {
    layout: 'connect-session-knex',
    columns: 'sid varchar(255) primary key, sess text not null, expired timestamptz not null',
  },
  'connect-session-sequelize': { layout: 'connect-session-sequelize', cannot: /whatever text|two hundred bytes/ },
}

describe.skipIf(isMissing)('a bank on the table of', () => {
  const server = oneServer()
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: server.url, max: 5 })
  })
  afterAll(() => pool.end())

  async function openedAs(name: string) {
    const { layout, columns } = forms[name]!
    const place = opened(server.url, { pool, ...(layout && { layout }) })
    if (columns !== undefined) await sql(server.url, `create table ${quote(place.table)} (${columns})`)
    return place
  }

  for (const [name, { columns, cannot }] of Object.entries(forms)) {
    describe(name, () => {
      // The other forms differ in one column.
      const isWhole = columns === undefined || name.includes('jsonb')
      const isLeftOut = (check: string): boolean => OF_ALL.test(check) || cannot?.test(check) === true
      const runner = {
        describe,
        it: (check: string, body: never, time?: number) => (isLeftOut(check) ? it.skip(check, body) : it(check, body, time)),
      }
      const open = async () => {
        const { another, close } = await openedAs(name)
        return { bank: await another(), another, close }
      }
      const only = name === 'connect-pg-simple' ? {} : { only: ofLayout }
      if (isWhole) bankConformance(runner as never, { open, owners: false, ...only })

      it('has no owners, and so no idsOf', async () => {
        const { another, close } = await openedAs(name)
        const bank = await another()
        expect(bank.idsOf).toBe(undefined)
        await bank.save('a', { ...entry(), owner: 'ada' })
        expect((await bank.read('a'))?.owner).toBe(undefined)
        await close()
      })

      it('refuses an id with NUL when it is stored, and finds none', async () => {
        const { another, close } = await openedAs(name)
        const bank = await another()
        await expect(bank.save('a\0', entry())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
        await expect(bank.swap('a\0', null, entry(), Date.now())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
        expect(await bank.read('a\0')).toBe(null)
        expect(await bank.readMany(['a\0', 'a'])).toEqual([null, null])
        expect(await bank.delete('a\0')).toBe(false)
        await bank.touch('a\0', null, 0)
        await bank.touchMany([['a\0', null]], 0)
        await close()
      })

      it('leaves a row that is no session for its id alone, and it fails nobody else', async () => {
        const { another, close, table } = await openedAs(name)
        const bank = await another()
        await bank.save('good', entry('{"cookie":{},"n":1}'))
        const [sid, payload, expires] = name.includes('sequelize')
          ? ['sid', 'data', 'expires']
          : ['sid', 'sess', name.includes('knex') ? 'expired' : 'expire']
        const isJson = !/sequelize|text/.test(name)
        const rest = name.includes('sequelize') ? `, "createdAt", "updatedAt"` : ''
        const values = isJson ? ['[1]', 'null', '12', '"text"', 'true', '{}'] : ['', 'no json', '[1]']
        for (const [index, value] of values.entries()) {
          await sql(
            server.url,
            `insert into ${quote(table)} (${sid}, ${payload}, ${expires}${rest}) values ('bad-${index}', '${value}', now() + interval '1 hour'${rest && ', now(), now()'})`,
          )
        }
        const store = new PostgresStore({ url: server.url, table, layout: forms[name]!.layout! })
        for (const index of values.keys()) expect(await store.get(`bad-${index}`), values[index]).toBe(null)
        expect(await store.get('good')).toMatchObject({ n: 1 })
        expect(await store.all()).toEqual([expect.objectContaining({ n: 1 })])
        expect(await bank.count(Date.now())).toBe(values.length + 1)
        // A bank that reads such a row can also replace it.
        for (const index of values.keys()) {
          const found = (await bank.read(`bad-${index}`))!
          expect(await bank.swap(`bad-${index}`, found.version ?? found.payload, entry(), Date.now()), values[index]).not.toBe(
            null,
          )
        }
        await store.close()
        await close()
      })
    })
  }

  it('connect-session-sequelize refuses ids of more than 36 characters', async () => {
    const { another, close } = opened(server.url, { layout: 'connect-session-sequelize' })
    const bank = await another()
    await bank.save('x'.repeat(36), entry())
    await expect(bank.save('x'.repeat(37), entry())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
    expect(await bank.read('x'.repeat(37))).toBe(null)
    await close()
  })

  it('connect-session-sequelize takes null for a time and a text', async () => {
    const { another, close, table } = opened(server.url, { layout: 'connect-session-sequelize' })
    const bank = await another()
    await bank.open()
    await sql(server.url, `insert into ${quote(table)} values ('a', null, null, now(), now())`)
    expect(await bank.read('a')).toEqual({ payload: '', expires: null })
    expect(await bank.swap('a', '', entry(), Date.now())).not.toBe(null)
    await close()
  })

  it('connect-pg-simple with jsonb says what jsonb cannot hold', async () => {
    const { another, close } = await openedAs('connect-pg-simple with jsonb')
    const bank = await another()
    for (const text of ['\\u0000', '\\ud800']) {
      await expect(bank.save('a', entry(`{"text":"${text}"}`)), text).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    }
    await close()
  })

  for (const layout of [undefined, 'connect-pg-simple', 'connect-session-knex'] as const) {
    it(`${layout ?? 'no other store'}: a table is created, whatever dollar quotes are in its name`, async () => {
      const table = `$databank$ $databank_$ ${layout}`
      const { another, close } = opened(server.url, { table, ...(layout && { layout }) })
      const bank = await another()
      await bank.save('a', entry())
      expect(await sql(server.url, `select count(*)::int as n from ${quote(table)}`)).toEqual([{ n: 1 }])
      await close()
    })
  }

  it('connect-pg-simple can have tables beside its default one, whatever their names are', async () => {
    for (const table of ['session', 'sessions', 'session2']) {
      const bank = new PostgresBank({ url: server.url, layout: 'connect-pg-simple', table })
      await bank.save('a', entry())
      expect((await bank.read('a'))?.payload).toBe(entry().payload)
      await bank.close()
    }
  })

  it('another store is reached in its schema', async () => {
    await sql(server.url, 'create schema "our app"')
    const bank = new PostgresBank({ url: server.url, layout: 'connect-pg-simple', schema: 'our app' })
    await bank.save('a', entry())
    expect(await sql(server.url, 'select sid from "our app".session')).toEqual([{ sid: 'a' }])
    await bank.close()
  })

  it('another store that has no table and may not create one fails with a clear message', async () => {
    const bank = new PostgresBank({ url: server.url, layout: 'connect-pg-simple', createTable: false, table: newTable() })
    await expect(bank.read('a')).rejects.toMatchObject({
      code: 'DATABANK_BACKEND_FAILED',
      message: expect.stringContaining('does not exist'),
    })
    await bank.close()
  })
})
