// The disk work of the log happens outside the event loop.
import { copyFileSync, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { scratchFolder, until } from '../../../testing/program.js'
import { Database } from '../src/engines.ts'
import { SqliteBank } from '../src/index.ts'
import { WriteAheadLog } from '../src/write-ahead-log.ts'
import { entry, HOUR, opened, sql } from './support.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Each flush of a file waits until `release` is called; `count` is how many there were. */
async function heldFlushes() {
  const file = await open(import.meta.filename)
  const prototype = Object.getPrototypeOf(file) as FileHandle
  await file.close()
  const { datasync } = prototype
  const held = { count: 0, release: (_error?: Error) => {}, isHeld: true }
  prototype.datasync = async function () {
    held.count += 1
    if (held.isHeld) {
      await new Promise<void>((resolve, reject) => {
        held.release = (error) => (error === undefined ? resolve() : reject(error))
      })
    }
    return datasync.call(this)
  }
  ends.push(() => {
    prototype.datasync = datasync
  })
  return held
}

describe('a durable bank', () => {
  it('answers a write when the log is on disk, and others meanwhile share the next flush', async () => {
    const { another, close } = await opened({ durable: true })
    const bank = await another()
    await bank.save('a', entry('old'))
    const flushes = await heldFlushes()
    let ended = 0
    const first = bank.save('a', entry('new')).then(() => {
      ended += 1
    })
    await until(() => flushes.count === 1, 'the flush')
    const more = Array.from({ length: 100 }, (_, n) =>
      bank.save(`id-${n}`, entry()).then(() => {
        ended += 1
      }),
    )
    // Others see it before it is on disk.
    await until(async () => (await bank.read('id-99')) !== null, 'the writes')
    expect((await bank.read('a'))?.payload).toBe('new')
    expect({ ended, count: flushes.count }).toEqual({ ended: 0, count: 1 })
    flushes.isHeld = false
    flushes.release()
    await Promise.all([first, ...more])
    expect(flushes.count).toBeLessThan(4)
    await close()
  })

  it('fails the writes that a flush was for, and no others', async () => {
    const { another, close } = await opened({ durable: true })
    const bank = await another()
    await bank.save('a', entry('old'))
    const flushes = await heldFlushes()
    const failed = bank.save('a', entry('new'))
    await until(() => flushes.count === 1, 'the flush')
    const second = bank.save('b', entry('b'))
    flushes.isHeld = false
    flushes.release(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
    await expect(failed).rejects.toMatchObject({ code: 'DATABANK_FULL' })
    await second
    await close()
  })
})

describe('a bank that is not durable', () => {
  it('flushes nothing itself', async () => {
    const flushes = await heldFlushes()
    const { another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry())
    await bank.touch('a', Date.now() + HOUR, Date.now())
    expect(flushes.count).toBe(0)
    await close()
  })
})

describe('the log', () => {
  it('is used where there can be one, and the other programs as well then', async () => {
    const { path, another, close } = await opened()
    sql(path, 'create table other (x)')
    expect(sql(path, 'pragma journal_mode')).toEqual([{ journal_mode: 'delete' }])
    await (await another()).save('a', entry())
    expect(sql(path, 'pragma journal_mode')).toEqual([{ journal_mode: 'wal' }])
    await close()
  })

  it('begins with the first write: a file of another program stays as it is', async () => {
    const { path, close } = await opened()
    sql(path, 'create table other (x)')
    const before = readFileSync(path)
    const bank = new SqliteBank({ path, createTable: false })
    await expect(bank.open()).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    await bank.close()
    expect(readFileSync(path).equals(before)).toBe(true)
    await close()
  })

  it('is done without where there can be none, and that is a warning', async () => {
    const { path, remove } = await scratchFolder()
    ends.push(remove)
    const { all } = Database.prototype
    Database.prototype.all = function (text, parameters) {
      return text === 'pragma journal_mode = wal' ? [['delete']] : all.call(this, text, parameters)
    }
    ends.push(() => {
      Database.prototype.all = all
    })
    const warnings: string[] = []
    const context = { timeout: 5_000, warn: (message: string) => warnings.push(message) }
    const bank = new SqliteBank({ path: `${path}/a.db`, durable: true }, context)
    await bank.save('a', entry('a'))
    expect((await bank.read('a'))?.payload).toBe('a')
    expect(warnings).toEqual([expect.stringContaining('no write-ahead log')])
    await bank.close()
  })
})

describe('a checkpoint', () => {
  it('follows within a second or so, without another write', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('a'))
    const copy = join(path, '../copy.db')
    const isThere = (): boolean => {
      // The database without its log.
      copyFileSync(path, copy)
      return (
        sql(copy, `select name from sqlite_master where type = 'table'`).length > 0 &&
        sql(copy, 'select id from databank_sessions').length > 0
      )
    }
    expect(isThere()).toBe(false)
    await until(isThere, 'the checkpoint', 10_000)
    await close()
  })

  it('lets the log begin anew while writes go on', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    const { statSync } = await import('node:fs')
    const end = performance.now() + 4_000
    const payload = 'x'.repeat(3_000)
    let written = 0
    for (let n = 0; performance.now() < end; n++) {
      await Promise.all(Array.from({ length: 50 }, (_, each) => bank.save(`id-${each}`, entry(payload + n))))
      written += 50 * 4_096
    }
    const size = statSync(`${path}-wal`).size
    // All of it would be there else.
    expect(size, `${written} bytes were written`).toBeLessThan(written * 0.7)
    await close()
  })

  it.each(['/no/such/module', undefined])('is made by the commits if there can be no thread (module %s)', async (module) => {
    const { path, remove } = await scratchFolder()
    ends.push(remove)
    let failures = 0
    const log = new WriteAheadLog(join(path, 'a.db'), module, () => {
      failures += 1
    })
    log.checkpointSoon()
    await until(() => failures === 1, 'the failure')
    log.checkpointSoon()
    await log.close()
    expect(failures).toBe(1)
  })

  it('is left where there is no such log: in memory', async () => {
    const bank = new SqliteBank({ path: ':memory:', durable: true })
    await bank.save('a', entry('a'))
    expect((await bank.read('a'))?.payload).toBe('a')
    await bank.close()
  })
})
