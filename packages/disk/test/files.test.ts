import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { DiskBank, DiskStore } from '../src/index.ts'
import { hashOf, Spots } from '../src/layout.ts'
import { filesIn, hour, inAnHour, newFolder } from './kit.ts'

let folder: string
let skipped: [path: string, reason: string][]
beforeEach(() => {
  folder = newFolder()
  skipped = []
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const open = (): DiskBank => new DiskBank({ path: folder, onSkip: (path, reason) => skipped.push([path, reason]) })
const pathOf = (id: string): string => new Spots(folder).of(id).path
/** Makes the bytes of a session's file others, as a fault of the disk would: the file's times stay. */
function overwrite(path: string, bytes: Buffer): void {
  const { atimeMs, mtimeMs } = fs.statSync(path)
  fs.writeFileSync(path, bytes)
  fs.utimesSync(path, atimeMs / 1000, mtimeMs / 1000)
}
/** Gives a file the time that new ones have by chance now and then: one that looks like a death that is past; see death.ts. */
function giveTimeLikeOurs(path: string): void {
  const second = Math.floor(Date.now() / 1000) - 1
  fs.utimesSync(path, second, second + 0.0005)
}
async function idsIn(bank: DiskBank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  return ids.sort()
}

describe('a damaged file', () => {
  it('is no session, whatever bit is flipped and wherever it is cut', async () => {
    const writer = open()
    const payload = JSON.stringify({ cookie: {}, name: 'Zoë 🦊', items: Array.from({ length: 40 }, (_, at) => at) })
    await writer.save('id', { payload, expires: Date.now() + hour })
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
        overwrite(pathOf('id'), bytes)
        // One that has not read it before.
        assert.equal(await open().read('id'), null)
      }),
      { numRuns: 500 },
    )
    await writer.close()
  })

  it('is passed over, told of once, and gives way to the next session', async () => {
    const bank = open()
    await bank.save('good', inAnHour('good'))
    await bank.save('bad', inAnHour('bad'))
    await bank.save('empty', inAnHour('empty'))
    fs.truncateSync(pathOf('bad'), 30)
    fs.truncateSync(pathOf('empty'), 0)
    for (const id of ['bad', 'empty']) giveTimeLikeOurs(pathOf(id))
    for (let time = 0; time < 2; time++) {
      assert.equal(await bank.read('bad'), null)
      assert.deepEqual(await bank.readMany(['bad', 'good', 'empty']), [null, await bank.read('good'), null])
      assert.deepEqual(await idsIn(bank), ['good'])
      assert.equal(await bank.count(Date.now()), 1)
      assert.equal(await bank.purge(Date.now() + hour / 2), 0)
      await bank.touch('bad', Date.now() + hour)
    }
    assert.deepEqual(
      skipped.sort(),
      [
        [pathOf('bad'), 'the file is damaged'],
        [pathOf('empty'), 'the file is empty'],
      ].sort(),
    )
    assert.equal(await bank.swap('bad', 'bad', inAnHour('x')), false)
    assert.equal(await bank.swap('bad', null, inAnHour('new')), true)
    assert.equal((await bank.read('bad'))?.payload, 'new')
    await bank.clear()
    assert.ok(!fs.existsSync(pathOf('empty')), 'clear removes damaged sessions as well')
    await bank.close()
  })

  it('is told to the log of a store, in the words of its logger', async () => {
    const bank = open()
    await bank.save('bad', inAnHour('bad'))
    fs.truncateSync(pathOf('bad'), 30)
    const told: unknown[][] = []
    const warn = (...record: unknown[]): unknown => told.push(record)
    const silent = () => {}
    const plain = { debug: silent, info: silent, error: silent, warn }
    for (const log of [plain, { ...plain, child: () => ({ ...plain, child: () => plain }) }]) {
      const store = new DiskStore({ path: folder, log })
      assert.equal(await new Promise((resolve) => store.get('bad', (_, session) => resolve(session ?? null))), null)
      await store.close()
    }
    const fields = { path: pathOf('bad'), reason: 'the file is damaged' }
    assert.deepEqual(told, [
      ['session file passed over', fields],
      [fields, 'session file passed over'],
    ])
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
      `${pathOf('good').slice(folder.length + 1)}.bak`,
      'owners/other',
      'zz/0/x',
      'a/b/.hidden',
    ]
    for (const name of foreign) {
      fs.mkdirSync(join(folder, name, '..'), { recursive: true })
      fs.writeFileSync(join(folder, name), 'foreign')
    }
    assert.deepEqual(await idsIn(bank), ['good'])
    assert.equal(await bank.count(Date.now()), 1)
    assert.equal(await bank.purge(Date.now() + 2 * hour), 1)
    await bank.clear()
    await bank.close()
    assert.deepEqual(filesIn(folder), foreign.sort())
  })

  it('under the name of a session is none', async () => {
    const bank = open()
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await bank.save(id, inAnHour(id))
    const outside = join(folder, 'outside')
    fs.copyFileSync(pathOf('a'), outside)
    const names = ['b', 'c', 'd', 'e', 'f']
    for (const id of names) fs.unlinkSync(pathOf(id))
    fs.writeFileSync(pathOf('b'), '{"cookie":{}}')
    giveTimeLikeOurs(pathOf('b'))
    fs.mkdirSync(pathOf('c'))
    fs.symlinkSync(outside, pathOf('d'))
    execFileSync('mkfifo', [pathOf('e')])
    execFileSync('cp', ['-p', pathOf('a'), pathOf('f')])
    for (const id of names) assert.equal(await open().read(id), null, id)
    for (const id of names) await bank.touch(id, Date.now() + hour)
    assert.deepEqual(await idsIn(bank), ['a', 'g'])
    await bank.purge(Date.now())
    await bank.clear()
    assert.deepEqual(
      names.filter((id) => fs.lstatSync(pathOf(id), { throwIfNoEntry: false }) !== undefined),
      // f looks like a session of ours and is one, in the wrong place.
      ['b', 'c', 'd', 'e'],
    )
    assert.ok(fs.existsSync(outside))
    await assert.rejects(bank.save('c', inAnHour('c')), { code: 'DATABANK_BACKEND_FAILED' })
    await bank.close()
  })

  it('cannot come from a copy that lost its time: the death in the header counts', async () => {
    const bank = open()
    const [saved, touched] = [Date.now() + hour, Date.now() + 2 * hour]
    await bank.save('id', { payload: 'x', expires: saved })
    await bank.touch('id', touched)
    assert.equal((await bank.read('id'))?.expires, touched)
    const bytes = fs.readFileSync(pathOf('id'))
    fs.unlinkSync(pathOf('id'))
    fs.writeFileSync(pathOf('id'), bytes)
    giveTimeLikeOurs(pathOf('id'))
    assert.equal((await bank.read('id'))?.expires, saved)
    assert.equal(await bank.purge(Date.now()), 0)
    assert.equal(await bank.count(Date.now()), 1)
    const moved = Date.now() + 3 * hour
    await bank.touch('id', moved)
    assert.equal((await bank.read('id'))?.expires, moved)
    await bank.close()
  })
})

describe('the folder', () => {
  it('may be removed underneath, at any time', async () => {
    const bank = open()
    await bank.save('a', inAnHour('a'))
    for (const gone of [folder, join(folder, 'owners'), join(pathOf('a'), '..')]) {
      fs.rmSync(gone, { recursive: true })
      assert.equal(gone.endsWith('owners') ? null : await bank.read('a'), null)
      await bank.touch('b', Date.now() + hour)
      assert.equal(await bank.delete('b'), false)
      assert.equal(await bank.purge(Date.now()), 0)
      await bank.save('a', inAnHour('again'))
      assert.equal((await bank.read('a'))?.payload, 'again')
      fs.rmSync(gone, { recursive: true })
      assert.equal(await bank.swap('a', 'again', inAnHour('x')), gone.endsWith('owners'))
      assert.equal(await bank.swap('c', null, inAnHour('c')), true)
      assert.equal(await bank.delete('c'), true)
    }
    await bank.close()
  })

  it('that is a file, or below one, is a coded error and never ENOENT', async () => {
    fs.writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file'), join(folder, 'file/below'), `${folder}/${'x'.repeat(300)}`]) {
      const bank = new DiskBank({ path })
      const unavailable = { code: 'DATABANK_UNAVAILABLE' }
      await assert.rejects(bank.open(), unavailable)
      await assert.rejects(bank.save('a', inAnHour('a')), unavailable)
      await assert.rejects(bank.swap('a', null, inAnHour('a')), unavailable)
      await assert.rejects(bank.read('a'), unavailable)
      await assert.rejects(bank.count(0), unavailable)
      await bank.close()
    }
  })

  it('is not made by reading', async () => {
    const path = join(folder, 'not/there')
    const bank = new DiskBank({ path })
    assert.equal(await bank.read('a'), null)
    assert.equal(await bank.delete('a'), false)
    assert.equal(await bank.count(0), 0)
    assert.equal(await bank.purge(0), 0)
    await bank.touch('a', null)
    await bank.clear()
    assert.deepEqual(await idsIn(bank), [])
    await bank.close()
    assert.ok(!fs.existsSync(join(folder, 'not')))
  })
})

describe('ids', () => {
  it('of any kind have files of their own', () => {
    const hard = [
      '..',
      '../x',
      'a/b',
      '/',
      '\0',
      'a\0',
      'A',
      'a',
      '\ud800',
      '\udfff',
      '\ufffd',
      'é',
      'é',
      '__proto__',
      'CON',
      '*',
      ' ',
      'x'.repeat(10_000),
    ]
    const ids = new Set([...hard, ...fc.sample(fc.string({ unit: 'binary', minLength: 1 }), 20_000)])
    assert.equal(new Set([...ids].map(hashOf)).size, ids.size)
    for (const id of ids) assert.match(pathOf(id).slice(folder.length), /^\/[0-9a-f]\/[0-9a-f]\/[0-9a-f]{64}$/)
  })
})
