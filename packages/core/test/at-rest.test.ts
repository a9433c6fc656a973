// What somebody finds who has a copy of the database, with encryption and hashed ids: real servers and files are looked through.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import session, { type SessionData } from 'express-session'
import { afterAll, describe, expect, it } from 'vitest'
import { backends, missing } from '../../../testing/backends.js'
import type { BackendModule } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'

type Location = ReturnType<(typeof backends)[number]['location']>

const SID = 'the-id-in-the-cookie-of-ada'
const OWNER = 'ada.lovelace@example.org'
const DATA = 'what only Ada may read'

const requireFrom = (name: string) => createRequire(join(import.meta.dirname, '../../', name, 'package.json'))

/** Everything that is stored at this location, as the server or the file system has it. */
const dumps: Record<string, (location: Location) => Promise<string>> = {
  async disk({ url }) {
    return filesIn(url.slice('disk:'.length))
  },
  async sqlite({ url }) {
    return filesIn(dirname(url.slice('sqlite:'.length)))
  },
  async redis({ url }) {
    const { createClient } = requireFrom('redis')('redis')
    const client = await createClient({ url }).connect()
    const found: string[] = []
    for (const key of await client.keys('*')) {
      found.push(key, (await client.type(key)) === 'zset' ? (await client.zRange(key, 0, -1)).join() : await client.get(key))
    }
    client.destroy()
    return found.join('\n')
  },
  async postgres({ url }) {
    const { Client } = requireFrom('postgres')('pg')
    const client = new Client(url)
    await client.connect()
    const { rows } = await client.query(
      `select query_to_xml('select * from "' || tablename || '"', true, false, '')::text as dump from pg_tables where schemaname = 'public'`,
    )
    await client.end()
    return rows.map(({ dump }: { dump: string }) => dump).join('\n')
  },
  async mysql({ url }) {
    const { createConnection } = requireFrom('mysql')('mysql2/promise')
    const connection = await createConnection(url.replace('mariadb:', 'mysql:'))
    const [tables] = await connection.query({ sql: 'show tables', rowsAsArray: true })
    const found: unknown[] = []
    for (const [table] of tables) found.push((await connection.query(`select * from \`${table.replaceAll('`', '``')}\``))[0])
    await connection.end()
    return found
      .flat()
      .flatMap((row) => Object.values(row as object).map(String))
      .join('\n')
  },
  async mongodb({ url }) {
    const { MongoClient } = requireFrom('mongodb')('mongodb')
    const client = await new MongoClient(url).connect()
    const found: unknown[] = []
    for (const collection of await client.db().collections()) found.push(await collection.find().toArray())
    await client.close()
    return JSON.stringify(found)
  },
}

function filesIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), 'latin1')}`)
    .join('\n')
}

function newSession(): SessionData {
  const cookie = new session.Cookie()
  cookie.maxAge = 3_600_000
  return { cookie, owner: OWNER, data: DATA } as unknown as SessionData
}

for (const backend of backends.filter(({ name }) => Object.hasOwn(dumps, name))) {
  describe.skipIf(missing(backend) !== undefined)(`a copy of ${backend.title}`, () => {
    const stops: (() => unknown)[] = []
    afterAll(async () => {
      for (const stop of stops) await stop()
    })

    it('gives neither ids nor owners nor data away with encryption and hashed ids, and all of them without', async () => {
      const module = (await import(`@connect-databank/${backend.name}`)) as BackendModule
      for (const isProtected of [false, true]) {
        const started = await backend.start()
        stops.push(() => started.stop())
        const location = backend.location(started)
        const store = new DatabankStore({
          bank: (context) => module.openBank(location.url, location.options, context),
          owner: (each) => (each as unknown as { owner: string }).owner,
          ...(isProtected && { encryption: { keys: [randomBytes(32)] }, hashIds: true }),
        })
        await store.set(SID, newSession())
        const loaded = (await store.get(SID))!
        await store.set(SID, Object.assign(loaded, { more: DATA }))
        loaded.cookie.originalMaxAge = 7_200_000
        await store.touch(SID, loaded)
        expect(await store.get(SID)).toMatchObject({ data: DATA, more: DATA })
        const sessions: string[] = []
        for await (const [id] of store.sessionsOf(OWNER)) sessions.push(id)
        expect(sessions).toHaveLength(1)
        const dump = await dumps[backend.name]!(location)
        // Not `toContain`: a failure would print the whole dump.
        const found = [SID, OWNER, DATA].filter((secret) => dump.includes(secret))
        // Names of files are hashes in any case.
        expect(found).toEqual(isProtected ? [] : expect.arrayContaining([DATA]))
        await store.clear()
        await store.close()
      }
    }, 120_000)
  })
}
