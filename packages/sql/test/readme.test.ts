// The README's examples, as printed, on a real server.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DatabankStore } from 'connect-databank'
import session, { type SessionData } from 'express-session'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startPostgresql } from '../../../testing/servers/postgresql.js'

const text = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
const examples = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code!)

/** What an example exports: the store, and its client. */
interface Made {
  readonly store: DatabankStore
  readonly pool?: { end(): unknown }
  readonly sql?: { end(): unknown }
  readonly knex?: { destroy(): unknown }
  readonly db?: { destroy?(): unknown; readonly $client?: { end(): unknown } }
  readonly dataSource?: { destroy(): unknown }
}

describe.skipIf(server('postgresql').missing)('the example for', () => {
  let postgresql: Awaited<ReturnType<typeof startPostgresql>>
  beforeAll(async () => {
    postgresql = await startPostgresql()
    vi.stubEnv('DATABASE_URL', postgresql.url)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await postgresql?.stop()
  })

  /** Runs the one example that holds this text, and uses the store that it makes. */
  async function run(holds: string, end: (exports: Made) => unknown): Promise<void> {
    const found = examples.filter((code) => code.includes(holds))
    expect(found).toHaveLength(1)
    const file = join(import.meta.dirname, `example-${process.pid}-${examples.indexOf(found[0]!)}.mjs`)
    await writeFile(file, found[0]!)
    try {
      const exports = (await import(pathToFileURL(file).href)) as Made
      const { store } = exports
      await store.set('a', { cookie: Object.assign(new session.Cookie(), { maxAge: 60_000 }), user: 'Ada' } as SessionData & {
        user: string
      })
      expect(await store.get('a')).toMatchObject({ user: 'Ada' })
      await store.update('a', (data) => Object.assign(data, { n: 1 }))
      expect(await store.all()).toEqual([expect.objectContaining({ user: 'Ada', n: 1 })])
      await store.destroy('a')
      await store.close()
      await end(exports)
    } finally {
      await rm(file)
    }
  }

  it('pg', () => run('pool.query(', ({ pool }) => pool!.end()))
  it('postgres.js', () => run("from 'postgres'", ({ sql }) => sql!.end()))
  it('Knex', () => run("from 'knex'", ({ knex }) => knex!.destroy()))
  it('Kysely', () => run("from 'kysely'", ({ db }) => db!.destroy!()))
  it('Drizzle', () => run('drizzle-orm', ({ db }) => db!.$client!.end()))
  it('TypeORM', () => run("from 'typeorm'", ({ dataSource }) => dataSource!.destroy()))
})
