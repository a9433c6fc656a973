// What the tables of other stores can hold, and what becomes of the rest.
import { bankConformance } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { peerLayouts } from '../src/layouts.ts'
import { entry, opened, sql } from './support.ts'

type LayoutName = 'connect-sqlite3' | 'better-sqlite3-session-store' | 'connect-session-knex' | 'connect-session-sequelize'

/** The text of tables of other stores has no escape for NUL: these checks of the bank cannot pass. */
const CANNOT = /if another version|control characters|any id/
/** Checks that use the last time of a Date, which is later than the last one that SQLite's functions know: it reads as no expiry. */
const LATE = /as late as dates go|changes the expiry and leaves/

describe('a bank on the table of', () => {
  for (const [layout, { id, payload, expires, timestamps }] of Object.entries(peerLayouts)) {
    const openedAs = () => opened({ layout: layout as LayoutName })

    describe(layout, () => {
      const open = async () => {
        const { another, close } = await openedAs()
        return { bank: await another(), another, close }
      }
      const cannot =
        layout === 'connect-sqlite3'
          ? /whatever text/
          : layout.includes('sequelize')
            ? new RegExp(`whatever text|${LATE.source}`)
            : LATE
      const isLeftOut = (check: string): boolean => CANNOT.test(check) || cannot.test(check)
      const runner = {
        describe,
        it: (check: string, body: never, time?: number) => (isLeftOut(check) ? it.skip(check, body) : it(check, body, time)),
      }
      bankConformance(runner as never, { open, owners: false })

      it('holds every time that SQLite knows, and takes a later one for none', async () => {
        const { another, close } = await openedAs()
        const bank = await another()
        const last = Date.UTC(9999, 11, 31, 23, 59, 59, 998)
        await bank.save('a', { payload: '{}', expires: last })
        expect((await bank.read('a'))?.expires).toBe(last)
        await bank.touch('a', last + 100_000, Date.now())
        expect((await bank.read('a'))?.expires).toBe(layout === 'connect-sqlite3' ? last + 100_000 : null)
        await bank.touchMany([['a', 5_000]], Date.now())
        expect((await bank.read('a'))?.expires).toBe(5_000)
        expect(await bank.count(4_999)).toBe(1)
        expect(await bank.count(5_000)).toBe(0)
        await close()
      })

      it('has no owners, and so no idsOf', async () => {
        const { another, close } = await openedAs()
        const bank = await another()
        expect(bank.idsOf).toBe(undefined)
        await bank.save('a', { ...entry(), owner: 'ada' })
        expect((await bank.read('a'))?.owner).toBe(undefined)
        await close()
      })

      it('refuses an id with NUL when it is stored, and finds none', async () => {
        const { another, close } = await openedAs()
        const bank = await another()
        await expect(bank.save('a\0', entry())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
        await expect(bank.swap('a\0', null, entry(), Date.now())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
        expect(await bank.read('a\0')).toBe(null)
        expect(await bank.readMany(['a\0', 'a'])).toEqual([null, null])
        expect(await bank.delete('a\0')).toBe(false)
        await bank.touchMany([['a\0', null]], 0)
        await close()
      })

      it('takes a payload that is no JSON object as it is, and refuses one with NUL that it cannot hold', async () => {
        const { another, close } = await openedAs()
        const bank = await another()
        for (const text of ['12', '1e5', '"quoted"', 'v1.abc', '', ' {}', 'null']) {
          await bank.save('a', entry(text))
          expect((await bank.read('a'))?.payload, text).toBe(text)
          expect(await bank.swap('a', text, entry(`${text}!`), Date.now()), text).toBe(`${text}!`)
        }
        await expect(bank.save('a', entry('{"a":"\0"}'))).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
        await close()
      })

      it('leaves a row that is no session for its id alone, and it fails nobody else', async () => {
        const { another, close, path } = await openedAs()
        const bank = await another()
        await bank.save('good', entry('{"cookie":{},"n":1}'))
        const [good] = sql(path, `select * from ${layout.includes('sequelize') ? '"Sessions"' : 'sessions'}`)
        const columns = [id.name, payload.name, expires.name, ...(timestamps ?? []).map(({ name }) => name)]
        const table = layout.includes('sequelize') ? '"Sessions"' : 'sessions'
        const payloads = [
          '[1]',
          'null',
          '"text',
          '',
          12,
          1.5,
          Buffer.from([0xff, 0, 1]),
          '{}',
          ...(canBeNull(layout) ? [null] : []),
        ]
        for (const [index, value] of payloads.entries()) {
          const row = { ...good, [id.name]: `bad-${index}`, [payload.name]: value }
          sql(
            path,
            `insert into ${table} (${columns.map((name) => `"${name}"`)}) values (${columns.map(() => '?')})`,
            ...columns.map((name) => row[name]),
          )
        }
        const times = ['soon', '', Buffer.from([1]), ...(layout === 'connect-sqlite3' ? [null] : [])]
        for (const [index, value] of times.entries()) {
          const row = { ...good, [id.name]: `time-${index}`, [expires.name]: value }
          sql(
            path,
            `insert into ${table} (${columns.map((name) => `"${name}"`)}) values (${columns.map(() => '?')})`,
            ...columns.map((name) => row[name]),
          )
        }
        const store = new SqliteStore({ path, layout: layout as LayoutName })
        for (const index of payloads.keys()) expect(await store.get(`bad-${index}`), String(payloads[index])).toBe(null)
        for (const index of times.keys()) expect(await store.get(`time-${index}`), String(times[index])).toBe(null)
        expect(await store.get('good')).toMatchObject({ n: 1 })
        expect(await store.all()).toEqual([expect.objectContaining({ n: 1 })])
        expect(await bank.count(Date.now())).toBe(payloads.length + 1)
        expect(await bank.purge(Date.now())).toBe(times.length)
        await store.close()
        await close()
      })
    })
  }
})

function canBeNull(layout: string): boolean {
  return /^connect-sqlite3$|sequelize/.test(layout)
}
