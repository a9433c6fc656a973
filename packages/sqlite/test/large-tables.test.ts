// No statement of a bank works on a whole table: it would block the event loop of this process. load.timed.ts measures it.
import { afterEach, describe, expect, it } from 'vitest'
import { Database } from '../src/engines.ts'
import { SqliteBank } from '../src/index.ts'
import { peerLayouts } from '../src/layouts.ts'
import { HOUR, opened } from './support.ts'

const COUNT = 6_000
const now = Date.now()

const { all, run } = Database.prototype
afterEach(() => {
  Object.assign(Database.prototype, { all, run })
})

/** Fills a bank: every third session has expired, every third never expires. */
async function filled(options: Parameters<typeof opened>[0] = {}) {
  const { another, close } = await opened(options)
  const bank = await another()
  const times = [now - 1, null, now + HOUR]
  const save = (n: number) => bank.save(`id-${n}`, { payload: '{"cookie":{}}', expires: times[n % 3]!, owner: `${n % 2}` })
  await Promise.all(Array.from({ length: COUNT }, (_, n) => save(n)))
  return { bank, close }
}

/** Notes how many rows each statement returns or changes. */
function statements() {
  const seen = { count: 0, mostRows: 0, mostChanges: 0 }
  Database.prototype.all = function (...given) {
    const rows = all.apply(this, given)
    seen.count += 1
    seen.mostRows = Math.max(seen.mostRows, rows.length)
    return rows
  }
  Database.prototype.run = function (...given) {
    const changes = run.apply(this, given)
    seen.mostChanges = Math.max(seen.mostChanges, changes)
    return changes
  }
  return seen
}

/** How SQLite finds the rows of the statements that run during the work. */
async function plansDuring(work: () => Promise<unknown>): Promise<string[]> {
  const plans: string[] = []
  const explain = (database: Database, sql: string, parameters: readonly unknown[]): void => {
    if (!/^(select|delete|update)/.test(sql)) return
    for (const row of all.call(database, `explain query plan ${sql}`, parameters)) plans.push(String(Object.values(row).at(-1)))
  }
  Database.prototype.all = function (sql, parameters = []) {
    explain(this, sql, parameters)
    return all.call(this, sql, parameters)
  }
  Database.prototype.run = function (sql, parameters = []) {
    explain(this, sql, parameters)
    return run.call(this, sql, parameters)
  }
  await work()
  Object.assign(Database.prototype, { all, run })
  return plans.filter((plan) => !plan.includes('VIRTUAL TABLE'))
}

/** How often the event loop turns during the work. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let next = setImmediate(function turn() {
    turns += 1
    next = setImmediate(turn)
  })
  await work()
  clearImmediate(next)
  return turns
}

for (const layout of [undefined, 'connect-sqlite3', 'connect-session-knex'] as const) {
  describe(layout === undefined ? 'a table of its own' : `the table of ${layout}`, () => {
    it('is counted, scanned, cleaned and cleared in steps, between which the event loop goes on', async () => {
      const { bank, close } = await filled(layout && { layout })
      const seen = statements()
      expect(await turnsDuring(async () => expect(await bank.count(now)).toBe((COUNT * 2) / 3))).toBeGreaterThan(2)
      expect(seen).toMatchObject({ mostRows: 1, mostChanges: 0 })
      expect(seen.count).toBeGreaterThanOrEqual(COUNT / 3_000)
      let scanned = 0
      const scan = async (): Promise<void> => {
        for await (const _ of bank.scan()) scanned += 1
      }
      expect(await turnsDuring(scan)).toBeGreaterThan(COUNT / 200)
      expect(scanned).toBe(COUNT)
      expect(seen.mostRows).toBeLessThanOrEqual(100)
      expect(await turnsDuring(async () => expect(await bank.purge(now)).toBe(COUNT / 3))).toBeGreaterThan(COUNT / 3 / 200)
      expect(await bank.count(now)).toBe((COUNT * 2) / 3)
      expect(await turnsDuring(() => bank.clear())).toBeGreaterThan(COUNT / 3 / 200)
      expect(await bank.count(0)).toBe(0)
      expect(seen.mostChanges).toBeLessThanOrEqual(100)
      await close()
    })
  })
}

for (const layout of [undefined, ...Object.keys(peerLayouts)] as const) {
  it(`no statement searches the whole table (${layout ?? 'its own'})`, async () => {
    const { another, close } = await opened(layout === undefined ? {} : { layout: layout as never })
    const bank = await another()
    await bank.save('a', { payload: '{}', expires: now + HOUR })
    const plans = await plansDuring(async () => {
      await bank.count(now)
      await bank.purge(now)
      for await (const _ of bank.scan()) break
      if (bank.idsOf !== undefined) for await (const _ of bank.idsOf('ada')) break
      await bank.touchMany([['a', null]], now)
      await bank.readMany(['a', 'b'])
      await bank.clear()
    })
    expect(plans.length).toBeGreaterThan(6)
    expect(plans.filter((plan) => /^SCAN|TEMP B-TREE/.test(plan))).toEqual([])
    await close()
  })
}

describe('many operations at once', () => {
  it('let the event loop go on', async () => {
    const { another, close } = await opened()
    const bank = await another()
    await bank.open()
    const entry = { payload: 'x'.repeat(2_000), expires: null }
    const save = () => Promise.all(Array.from({ length: 8_000 }, (_, n) => bank.save(`id-${n}`, entry)))
    expect(await turnsDuring(save)).toBeGreaterThan(5)
    const read = () => Promise.all(Array.from({ length: 8_000 }, (_, n) => bank.read(`id-${n}`)))
    expect(await turnsDuring(read)).toBeGreaterThan(2)
    await close()
  })

  it('of one owner are listed in steps', async () => {
    const { bank, close } = await filled()
    const seen = statements()
    let listed = 0
    for await (const _ of bank.idsOf!('1')) listed += 1
    expect(listed).toBe(COUNT / 3)
    expect(seen.mostRows).toBeLessThanOrEqual(100)
    await close()
  })

  it('touch and read many in steps', async () => {
    const { bank, close } = await filled()
    const seen = statements()
    const ids = Array.from({ length: COUNT }, (_, n) => `id-${n}`)
    expect((await bank.readMany(ids)).every((stored) => stored !== null)).toBe(true)
    await bank.touchMany(
      ids.map((id) => [id, now + HOUR]),
      now,
    )
    expect(await bank.count(now + HOUR - 1)).toBe((COUNT * 2) / 3)
    expect(seen.mostRows).toBeLessThanOrEqual(100)
    expect(seen.mostChanges).toBeLessThanOrEqual(100)
    await close()
  })
})

describe('a bank', () => {
  it('counts what never expires, and what expires at the same moment, however many there are', async () => {
    const bank = new SqliteBank({ path: ':memory:' })
    await Promise.all(Array.from({ length: 4_500 }, (_, n) => bank.save(`never-${n}`, { payload: '', expires: null })))
    await Promise.all(Array.from({ length: 4_500 }, (_, n) => bank.save(`same-${n}`, { payload: '', expires: 1_000 })))
    expect(await bank.count(999)).toBe(9_000)
    expect(await bank.count(1_000)).toBe(4_500)
    expect(await bank.purge(1_000)).toBe(4_500)
    expect(await bank.count(0)).toBe(4_500)
    await bank.close()
  })
})
