import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { openStore } from 'connect-databank'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { DiskBank, DiskStore } from '../src/index.ts'
import { Layout } from '../src/layout.ts'
import { filesIn, HOUR, inAnHour, newDirectory } from './helpers.ts'

let directory: string
let warnings: Map<unknown, unknown>
beforeEach(() => {
  directory = newDirectory()
  warnings = new Map()
})
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

function open(): DiskBank {
  return new DiskBank(
    { path: directory },
    {
      timeout: 5_000,
      warn(message, fields) {
        assert.ok(!warnings.has(fields?.['path']), `warned twice of ${fields?.['path']}`)
        assert.ok(message.includes(String(fields?.['path'])) && message.includes(String(fields?.['reason'])))
        warnings.set(fields?.['path'], fields?.['reason'])
      },
    },
  )
}
const pathOf = (id: string): string => new Layout(directory).pathOf(id)

async function idsIn(bank: DiskBank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  return ids.sort()
}

describe('a damaged file', () => {
  it('is no session, whatever bit has changed and wherever it was cut', async () => {
    const bank = open()
    const payload = JSON.stringify({ cookie: {}, name: 'Zoë 🦊', items: Array.from({ length: 40 }, (_, at) => at) })
    await bank.save('id', { payload, expires: Date.now() + HOUR, owner: 'Zoë' })
    const intact = fs.readFileSync(pathOf('id'))
    const damaged = fc.oneof(
      fc.record({ at: fc.nat(intact.length - 1), bit: fc.nat(7) }).map(({ at, bit }) => {
        const bytes = Buffer.from(intact)
        bytes[at]! ^= 1 << bit
        return bytes
      }),
      fc.nat(intact.length - 1).map((length) => intact.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 50 }).map((more) => Buffer.concat([intact, more])),
    )
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        fs.writeFileSync(pathOf('id'), bytes)
        const stored = await bank.read('id')
        assert.ok(stored?.corrupt?.includes(pathOf('id')))
        assert.equal(stored?.payload, '')
      }),
      { numRuns: 1_000 },
    )
    await bank.close()
  })

  it('is left out of all lists, with one warning, and gives way to the next session', async () => {
    const bank = open()
    const reasons = {
      cut: 'the file is damaged',
      empty: 'the file is empty',
      foreign: 'it is not a file of this store',
      'no JSON': 'the file is damaged',
      'no id': 'the file is damaged',
      earlier: 'it was written by an earlier alpha of @connect-databank/disk, and this version cannot read it',
    }
    for (const id of ['good', ...Object.keys(reasons)]) await bank.save(id, inAnHour(id))
    const start = fs.readFileSync(pathOf('good'), 'latin1').slice(0, 44)
    const withChecksum = (body: string) => `${start}${crc32(body).toString(16).padStart(8, '0')} ${body}`
    fs.truncateSync(pathOf('cut'), 30)
    fs.truncateSync(pathOf('empty'), 0)
    fs.writeFileSync(pathOf('foreign'), '{"cookie":{}}')
    fs.writeFileSync(pathOf('no JSON'), withChecksum('{"id":\n{}'))
    fs.writeFileSync(pathOf('no id'), withChecksum('{"id":7}\n{}'))
    fs.writeFileSync(pathOf('earlier'), 'databank1 1f3a90c2 utf8 1767225600000 "earlier"\n{"cookie":{}}')
    for (let time = 0; time < 2; time++) {
      for (const [id, reason] of Object.entries(reasons)) {
        assert.deepEqual(await bank.read(id), { payload: '', expires: null, corrupt: `${reason}: ${pathOf(id)}` })
        await bank.touch(id, Date.now() + HOUR, Date.now())
      }
      assert.deepEqual(
        (await bank.readMany(['cut', 'good', 'none'])).map((stored) => stored?.corrupt ?? stored?.payload),
        [`${reasons.cut}: ${pathOf('cut')}`, 'good', undefined],
      )
      assert.deepEqual(await idsIn(bank), ['good'])
      assert.equal(await bank.purge(Date.now() + HOUR / 2), 0)
    }
    assert.deepEqual(warnings, new Map(Object.entries(reasons).map(([id, reason]) => [pathOf(id), reason])))
    for (const id of Object.keys(reasons)) {
      assert.equal(await bank.swap(id, 'x', inAnHour('x'), Date.now()), null)
      assert.equal(await bank.swap(id, id === 'cut' ? null : '', inAnHour(`new ${id}`), Date.now()), `new ${id}`)
      assert.equal((await bank.read(id))?.payload, `new ${id}`)
    }
    await bank.close()
  })

  it('is removed by clear if this store wrote it', async () => {
    const bank = open()
    for (const id of ['cut', 'empty', 'earlier', 'foreign']) await bank.save(id, inAnHour(id))
    fs.truncateSync(pathOf('cut'), 30)
    fs.truncateSync(pathOf('empty'), 0)
    fs.writeFileSync(pathOf('earlier'), 'databank1 1f3a90c2')
    fs.writeFileSync(pathOf('foreign'), '{"cookie":{}}')
    await bank.clear()
    const left = ['cut', 'empty', 'earlier', 'foreign'].filter((id) => fs.existsSync(pathOf(id)))
    assert.deepEqual(left, ['foreign'])
    assert.equal(warnings.get(pathOf('foreign')), 'it is not a file of this store')
    await bank.close()
  })

  it.each(['constructor', 'URL'])('is in the log of a store that was made by %s', async (door) => {
    const bank = open()
    await bank.save('bad', inAnHour('bad'))
    fs.truncateSync(pathOf('bad'), 30)
    const records: unknown[][] = []
    const ignore = () => {}
    const log = { debug: ignore, info: ignore, error: ignore, warn: (...record: unknown[]) => records.push(record) }
    const store = door === 'URL' ? await openStore(`disk:${directory}`, { log }) : new DiskStore({ path: directory, log })
    assert.deepEqual(await store.all(), [])
    assert.ok(records.some((record) => JSON.stringify(record).includes(pathOf('bad'))))
    const corrupt: unknown[] = []
    store.on('corrupt', (event) => corrupt.push(event))
    assert.equal(await store.get('bad'), null)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(corrupt, [{ sid: 'bad', reason: `the file is damaged: ${pathOf('bad')}` }])
    await Promise.all([store.close(), bank.close()])
  })
})

describe('a file that cannot be read or removed', () => {
  // Root may do everything, so the calls fail by themselves.
  it('does not fail the lists, the clean-up and clear for the other sessions', async () => {
    const bank = open()
    const ids = ['a', 'b', 'c'].sort((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1)) as [string, string, string]
    // In the order in which a clean-up comes to them.
    const [kept, unreadable, removed] = ids
    for (const id of ids) await bank.save(id, { payload: id, expires: Date.now() - 1 })
    const { openSync, unlinkSync } = fs
    const failure = (path: unknown): Error => Object.assign(new Error(`EIO: i/o error, '${path}'`), { code: 'EIO' })
    try {
      fs.openSync = ((...args: Parameters<typeof openSync>) => {
        if (args[0] === pathOf(unreadable)) throw failure(args[0])
        return openSync(...args)
      }) as typeof fs.openSync
      assert.deepEqual(await idsIn(bank), [kept, removed].sort())
      assert.equal(await bank.count(0), 2)
      assert.deepEqual(warnings, new Map([[pathOf(unreadable), 'it cannot be read (EIO)']]))
      await assert.rejects(bank.read(unreadable), { code: 'DATABANK_BACKEND_FAILED' })
      fs.unlinkSync = (path) => {
        if (path === pathOf(kept)) throw failure(path)
        unlinkSync(path)
      }
      await assert.rejects(bank.purge(Date.now()), { code: 'DATABANK_BACKEND_FAILED' }, 'the failure is reported')
      assert.ok(!fs.existsSync(pathOf(removed)), 'the others are removed all the same')
      await bank.save(removed, inAnHour('c'))
      await assert.rejects(bank.clear(), { code: 'DATABANK_BACKEND_FAILED' })
      assert.ok(!fs.existsSync(pathOf(removed)))
    } finally {
      Object.assign(fs, { openSync, unlinkSync })
    }
    await bank.close()
  })
})

describe('a foreign file', () => {
  it('is never read, written or removed, whatever it is', async () => {
    const bank = open()
    await bank.save('good', inAnHour('good'))
    const foreign = [
      'README',
      'a/notes.txt',
      `${pathOf('good').slice(directory.length + 1)}.bak`,
      'b',
      'owners/other',
      'zz/0/x',
      'a/b/.hidden',
    ]
    for (const name of foreign) {
      fs.mkdirSync(join(directory, name, '..'), { recursive: true })
      fs.writeFileSync(join(directory, name), 'foreign')
    }
    assert.deepEqual(await idsIn(bank), ['good'])
    assert.equal(await bank.count(Date.now()), 1)
    assert.equal(await bank.purge(Date.now() + 2 * HOUR), 1)
    await bank.clear()
    await bank.close()
    assert.deepEqual(filesIn(directory), [...foreign, 'reserve'].sort())
    assert.equal(warnings.get(join(directory, 'a/b/.hidden')), 'its name is not one of this store')
    assert.equal(warnings.get(join(directory, 'b/0')), 'it is not a directory')
  })

  it('under the name of a session is no session', async () => {
    const bank = open()
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await bank.save(id, inAnHour(id))
    const outside = join(directory, 'outside')
    fs.copyFileSync(pathOf('a'), outside)
    const bytesOutside = fs.readFileSync(outside)
    const names = ['b', 'c', 'd', 'e', 'f']
    for (const id of names) fs.unlinkSync(pathOf(id))
    fs.writeFileSync(pathOf('b'), '{"cookie":{}}')
    fs.mkdirSync(pathOf('c'))
    fs.symlinkSync(outside, pathOf('d'))
    execFileSync('mkfifo', [pathOf('e')])
    fs.copyFileSync(pathOf('a'), pathOf('f'))
    for (const id of names) assert.ok((await bank.read(id))?.corrupt, id)
    for (const id of names) await bank.touch(id, Date.now() + HOUR, Date.now())
    assert.deepEqual(await idsIn(bank), ['a', 'g'])
    await bank.purge(Date.now())
    await bank.clear()
    assert.deepEqual(
      names.filter((id) => fs.lstatSync(pathOf(id), { throwIfNoEntry: false }) !== undefined),
      // f is a session of this store, in the wrong place.
      ['b', 'c', 'd', 'e'],
    )
    assert.deepEqual(fs.readFileSync(outside), bytesOutside)
    await assert.rejects(bank.save('c', inAnHour('c')), { code: 'DATABANK_BACKEND_FAILED' })
    await bank.close()
  })
})
