// Another program has the lock: nobody sees "database is locked", and the event loop goes on.
import { describe, expect, it } from 'vitest'
import { SqliteBank } from '../src/index.ts'
import { BetterSqlite3 } from './fixtures/better-sqlite3.ts'
import { entry, opened } from './support.ts'

/** Takes a lock as another program would; the function that it returns lets go. */
function lock(path: string, statement = 'begin immediate'): () => void {
  const database = new BetterSqlite3(path)
  for (const each of statement.split(';')) database.exec(each)
  return () => database.close()
}

/** Counts how often the event loop turns until the function that it returns is called. */
function turns(): () => number {
  let count = 0
  let next = setImmediate(function turn() {
    count += 1
    next = setImmediate(turn)
  })
  return () => {
    clearImmediate(next)
    return count
  }
}

const locks = {
  'a writer': 'begin immediate',
  'a reader and writer that excludes all others': 'pragma locking_mode = exclusive; begin immediate; create table x (y); commit',
}

describe('while another program has the lock', () => {
  it('writes wait in their order, reads do not, and the event loop goes on', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('old'))
    const unlock = lock(path)
    const ended: string[] = []
    const saves = ['one', 'two', 'three'].map((text) => bank.save('a', entry(text)).then(() => ended.push(text)))
    const touched = bank.touch('a', 9e14, Date.now()).then(() => ended.push('touch'))
    const stop = turns()
    for (let n = 0; n < 20; n++) expect((await bank.read('a'))?.payload).toBe('old')
    expect(ended).toEqual([])
    expect(stop()).toBeGreaterThan(15)
    unlock()
    await Promise.all([...saves, touched])
    expect(ended).toEqual(['one', 'two', 'three', 'touch'])
    expect(await bank.read('a')).toMatchObject({ payload: 'three', expires: 9e14 })
    await close()
  })

  it('a write fails with DATABANK_UNAVAILABLE at the end of its time, and has done nothing', async () => {
    const { path, another, close } = await opened()
    const first = await another()
    await first.save('a', entry('old'))
    const bank = new SqliteBank({ path }, { timeout: 200, warn: () => {} })
    await bank.open()
    const unlock = lock(path)
    const failures = await Promise.all(
      [bank.save('a', entry('new')), bank.delete('a'), bank.swap('b', null, entry(), Date.now())].map((each) =>
        each.then(
          () => undefined,
          (error) => error,
        ),
      ),
    )
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: 'DATABANK_UNAVAILABLE',
        message: expect.stringContaining('another program has held'),
      })
      expect(failure.message).not.toContain('locked')
    }
    unlock()
    expect((await bank.read('a'))?.payload).toBe('old')
    expect(await bank.read('b')).toBe(null)
    await bank.save('a', entry('new'))
    await bank.close()
    await close()
  })

  for (const [holder, statement] of Object.entries(locks)) {
    it(`the file is opened when ${holder} has let go`, async () => {
      const { path, another, close } = await opened()
      const database = new BetterSqlite3(path)
      database.exec('create table other (x)')
      database.close()
      const unlock = lock(path, statement)
      const bank = await another()
      const stop = turns()
      const [saved, read] = [bank.save('a', entry('a')), bank.read('a')]
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(stop()).toBeGreaterThan(3)
      unlock()
      await Promise.all([saved, read])
      expect((await bank.read('a'))?.payload).toBe('a')
      await close()
    })
  }

  it('one that excludes all others, of an open file, ends with an error in time', async () => {
    const { path, another, close } = await opened()
    const first = await another()
    await first.save('a', entry('a'))
    await first.close()
    const unlock = lock(path, locks['a reader and writer that excludes all others'])
    const bank = new SqliteBank({ path }, { timeout: 200, warn: () => {} })
    for (const work of [() => bank.read('a'), () => bank.save('a', entry('b')), () => bank.open()]) {
      await expect(work()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    }
    unlock()
    expect((await bank.read('a'))?.payload).toBe('a')
    await bank.close()
    await close()
  })

  it('a write that fails by itself fails none of those that share its transaction', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('old'))
    const database = new BetterSqlite3(path)
    database.exec(
      `create trigger refuse before insert on databank_sessions when new.payload = 'bad' begin select raise(abort, 'no'); end`,
    )
    const unlock = lock(path)
    const texts = ['one', 'bad', 'two', 'bad', 'three']
    const results = Promise.allSettled(texts.map((text, index) => bank.save(`id-${index}`, entry(text))))
    await bank.read('a')
    unlock()
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    for (const [index, text] of texts.entries()) {
      expect((await bank.read(`id-${index}`))?.payload).toBe(text === 'bad' ? undefined : text)
    }
    database.close()
    await close()
  })
})

describe('two stores on one file in one process', () => {
  it('see what the other writes, and lose nothing', async () => {
    const { another, close } = await opened()
    const [one, other] = [await another(), await another()]
    await one.save('a', entry('0'))
    const add = async (bank: SqliteBank): Promise<void> => {
      for (let done = 0; done < 100; ) {
        const stored = (await bank.read('a'))!
        const next = entry(String(Number(stored.payload) + 1))
        if ((await bank.swap('a', stored.version!, next, Date.now())) !== null) done += 1
      }
    }
    await Promise.all([add(one), add(other), add(one)])
    expect((await other.read('a'))?.payload).toBe('300')
    await close()
  })
})
