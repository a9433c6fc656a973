// Moves between stores with other options: encryption, hashed ids, and the tables and keys of other stores.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryBank } from '@connect-databank/memory'
import { DatabankStore, openBank, openStore } from 'connect-databank'
import { type Bank, encrypt, hashedIdOf } from 'connect-databank/backend'
import type { SessionData } from 'express-session'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startPostgresql } from '../../../testing/servers/postgresql.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { idMapping, move } from '../src/move/index.ts'
import { changeData, entry, HOUR, liveIn, memoryWith, moveWithSteps } from './move-support.ts'

const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)]
const owner = (session: SessionData) => (session as { user?: string }).user

function sessionOf(user: string): SessionData {
  return { cookie: { originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR) }, user } as never
}

describe('encryption', () => {
  test("from plain to encrypted: the target's store reads the sessions, and finds those of a user", async () => {
    const [from, raw] = [await memoryWith({ a: entry({ user: 'ada' }, undefined, 'ada') }), new MemoryBank()]
    const encryption = { keys: [NEW] }
    expect(await move(from, encrypt(raw, encryption))).toMatchObject({ copied: 1, isEqual: true })
    const [stored] = Object.values(await liveIn(raw))
    expect(stored?.payload).toMatch(/^databank1:/)
    expect(stored?.owner).not.toBe('ada')
    const store = new DatabankStore({ bank: raw, encryption, owner, cleanupInterval: null })
    expect(await store.get('a')).toMatchObject({ user: 'ada' })
    expect(await store.destroySessionsOf('ada')).toBe(1)
  })

  test('from one key to another, and followed', async () => {
    const [rawFrom, rawTo] = [new MemoryBank(), new MemoryBank()]
    const [from, to] = [encrypt(rawFrom, { keys: [OLD] }), encrypt(rawTo, { keys: [NEW] })]
    for (const id of ['a', 'b', 'c']) await from.save(id, entry({ n: 1 }, undefined, 'ada'))
    const result = await moveWithSteps(from, to, [
      () => changeData(from, 'a', { n: 2 }),
      () => from.delete('b'),
      () => from.touch!('c', Date.now() + 2 * HOUR, Date.now()),
    ])
    expect(result).toMatchObject({ copied: 3, updated: 2, ended: 1, newer: 0, isEqual: true, isTargetUsed: false })
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('a record that cannot be decrypted is not copied', async () => {
    const raw = await memoryWith({ plain: entry({}) })
    const from = encrypt(raw, { keys: [OLD] })
    await from.save('a', entry({}))
    expect(await move(from, new MemoryBank())).toMatchObject({ copied: 1, corrupt: 1, isEqual: true })
  })

  test('on the raw banks, what is encrypted is copied as it is, without keys', async () => {
    const [rawFrom, rawTo] = [new MemoryBank(), new MemoryBank()]
    await encrypt(rawFrom, { keys: [OLD] }).save('a', entry({ n: 1 }, undefined, 'ada'))
    expect(await move(rawFrom, rawTo)).toMatchObject({ copied: 1, isEqual: true })
    expect(await liveIn(rawTo)).toEqual(await liveIn(rawFrom))
    expect(await encrypt(rawTo, { keys: [OLD] }).read('a')).toMatchObject({ owner: 'ada' })
  })
})

describe('hashed ids', () => {
  test("from plain to hashed: the target's store finds each session by its own id", async () => {
    const [from, to] = [await memoryWith({ a: entry({ user: 'ada' }) }), new MemoryBank()]
    await move(from, to, { idOf: idMapping(undefined, true) })
    expect(Object.keys(await liveIn(to))).toEqual([hashedIdOf('a')])
    const store = new DatabankStore({ bank: to, hashIds: true, cleanupInterval: null })
    expect(await store.get('a')).toMatchObject({ user: 'ada' })
  })

  test('both hashed: they are the same; a source with both kinds: the plain ones are hashed', () => {
    expect(idMapping(true, true)).toBeUndefined()
    expect(idMapping(false, false)).toBeUndefined()
    const mixed = idMapping({ acceptPlain: true }, true)!
    expect(mixed('a')).toBe(hashedIdOf('a'))
    expect(mixed(hashedIdOf('a'))).toBe(hashedIdOf('a'))
  })

  test('from hashed to plain is impossible', () => {
    expect(() => idMapping(true, false)).toThrow(/set hashIds for the target/)
    expect(() => idMapping({ acceptPlain: true }, undefined)).toThrow(
      expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }),
    )
  })
})

/** Moves sessions that a store has written from one bank to another, changes some, and compares what the stores read. */
async function moveAndCompare(from: Bank, to: Bank): Promise<void> {
  const source = new DatabankStore({ bank: from, cleanupInterval: null })
  const target = new DatabankStore({ bank: to, cleanupInterval: null })
  for (const id of ['a', 'b', 'c']) await source.set(id, sessionOf(id))
  const result = await moveWithSteps(from, to, [
    () => source.update('a', (session) => void Object.assign(session, { z: 1, user: 'changed' })),
    () => source.destroy('b'),
  ])
  expect(result).toMatchObject({ copied: 3, updated: 1, ended: 1, newer: 0, differing: 0, refused: 0, isEqual: true })
  expect(await target.get('b')).toBeNull()
  for (const id of ['a', 'c']) {
    const [one, other] = [await source.get(id), await target.get(id)]
    const [{ cookie, ...data }, { cookie: copied, ...copy }] = [one!, other!]
    expect(copy).toEqual(data)
    // Whole seconds are rounded up.
    const late = Date.parse(String(copied.expires)) - Date.parse(String(cookie.expires))
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThanOrEqual(1_000)
  }
}

describe('tables of other stores, in SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'move-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(['connect-sqlite3', 'better-sqlite3-session-store', 'connect-session-knex', 'connect-session-sequelize'])(
    'from that of %s to one of our own, and back',
    async (layout) => {
      const url = (): string => `sqlite:${join(folder, randomUUID())}`
      const banks = [
        await openBank<{ layout: string }>(url(), { layout }),
        await openBank(url()),
        await openBank<{ layout: string }>(url(), { layout }),
      ]
      await moveAndCompare(banks[0]!, banks[1]!)
      await moveAndCompare(banks[1]!, banks[2]!)
      for (const bank of banks) await bank.close?.()
    },
  )
})

describe.skipIf(server('postgresql').missing)('tables of other stores, in PostgreSQL', () => {
  let started: Awaited<ReturnType<typeof startPostgresql>>
  beforeAll(async () => {
    started = await startPostgresql()
  })
  afterAll(() => started?.stop())

  test('to the table of connect-pg-simple, whose column is jsonb: the keys come back in another order', async () => {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: started.url })
    await client.connect()
    await client.query('create table session (sid varchar primary key, sess jsonb not null, expire timestamp(6) not null)')
    await client.end()
    const to = await openBank<{ layout: string }>(started.url, { layout: 'connect-pg-simple' })
    await moveAndCompare(new MemoryBank(), to)
    await to.close?.()
  })
})

describe.skipIf(server('redis').missing)('what other stores have written', () => {
  let started: RedisServer
  beforeAll(async () => {
    started = await startRedis()
  })
  afterAll(() => started?.stop())

  test('connect-redis: sessions and their expiries', async () => {
    const expires = Date.now() + HOUR
    const session = JSON.stringify(sessionOf('ada'))
    await started.admin(['SET', 'sess:a', session, 'PXAT', String(expires)])
    const [from, to] = [await openBank(started.url), new MemoryBank()]
    expect(await move(from, to, { deleteSource: true })).toMatchObject({ copied: 1, deleted: 1, left: 0, isEqual: true })
    expect(await liveIn(to)).toEqual({ a: { payload: session, expires, owner: null } })
    expect(await started.admin(['EXISTS', 'sess:a'])).toBe(0)
    await from.close?.()
    const store = await openStore<object>('kept:', { owner, schemes: { kept: async () => ({ openBank: () => to }) } })
    // Nobody's, until the owners are stored.
    expect(await store.reindexOwners()).toBe(1)
    expect(await store.destroySessionsOf('ada')).toBe(1)
    await store.close()
  })
})
