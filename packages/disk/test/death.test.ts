import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { deathIn, deathOf, latestDeath, newVersion, setDeath, setDeathInHeader, versionIn } from '../src/death.ts'
import { Spots } from '../src/layout.ts'
import { hour, newFolder } from './kit.ts'

let folder: string
let fd: number
let latest: number
beforeAll(() => {
  folder = newFolder()
  fd = fs.openSync(join(folder, 'file'), 'w')
  latest = latestDeath(fd)
})
afterAll(() => {
  fs.closeSync(fd)
  fs.rmSync(folder, { recursive: true })
})

describe('the time of a file', () => {
  it('keeps a death exactly, or says that it cannot', () => {
    assert.ok(latest > Date.now(), 'this file system keeps no milliseconds: nothing to test')
    const death = fc.oneof(
      fc.integer({ min: 2_001, max: latest - 1 }),
      fc.integer({ min: Date.now(), max: Date.now() + 365 * 24 * hour }),
    )
    fc.assert(
      fc.property(fc.option(death), (expires) => {
        const version = newVersion(latest)
        assert.notEqual(version, 0)
        if (!setDeath(fd, expires, latest, version)) return assert.equal(expires, Date.UTC(2037, 11, 31, 23, 59, 59))
        const stats = fs.fstatSync(fd)
        assert.equal(deathIn(stats), expires)
        assert.equal(versionIn(stats), version)
      }),
      { numRuns: 20_000 },
    )
    for (const expires of [2_000, 0, -5, latest, 8.64e15, 1.5, Number.NaN, Date.UTC(2037, 11, 31, 23, 59, 59)]) {
      assert.equal(setDeath(fd, expires, latest, 0), false, String(expires))
    }
    setDeathInHeader(fd)
    assert.equal(deathIn(fs.fstatSync(fd)), undefined)
  })

  it('is not taken for a death when somebody else has set it', () => {
    for (const time of [Date.now(), Date.now() + 0.25, 0, 1_000_000_000_000]) {
      fs.futimesSync(fd, time / 1000, time / 1000)
      assert.equal(deathIn(fs.fstatSync(fd)), undefined, String(time))
      assert.equal(versionIn(fs.fstatSync(fd)), 0)
    }
  })

  it('that is past, and that chance may have made, counts where the death in the header is not later', () => {
    const past = Math.floor(Date.now() / 1000) * 1000 - 5_000
    setDeath(fd, past, latest, 0)
    const stats = fs.fstatSync(fd)
    assert.equal(deathIn(stats), undefined)
    assert.equal(deathOf(stats, past - 1), past)
    assert.equal(deathOf(stats, past + 1), past + 1)
    assert.equal(deathOf(stats, null), null)
    setDeath(fd, past, latest, newVersion(latest))
    assert.equal(deathOf(fs.fstatSync(fd), null), past)
  })

  it('that is to come needs no version, as where the system notes every access', () => {
    const death = Date.now() + hour
    setDeath(fd, death, latest, 0)
    assert.equal(deathIn(fs.fstatSync(fd)), death)
  })
})

describe('a touch', () => {
  it('leaves the file as it is where its time can say it, and else writes another', async () => {
    const bank = new DiskBank({ path: folder })
    const path = new Spots(folder).of('id').path
    await bank.save('id', { payload: 'x', expires: Date.now() + hour })
    let inode = fs.statSync(path).ino
    const bytes = fs.readFileSync(path)
    for (const expires of [Date.now() + 2 * hour, null, Date.now() + 3 * hour]) {
      await bank.touch('id', expires)
      assert.deepEqual(await bank.read('id'), { payload: 'x', expires })
      assert.equal(fs.statSync(path).ino, inode)
    }
    assert.deepEqual(fs.readFileSync(path), bytes)
    for (const expires of [8.64e15, Date.UTC(2037, 11, 31, 23, 59, 59), 4e14]) {
      await bank.touch('id', expires)
      assert.deepEqual(await bank.read('id'), { payload: 'x', expires })
      assert.deepEqual(await new DiskBank({ path: folder }).read('id'), { payload: 'x', expires })
      assert.notEqual(fs.statSync(path).ino, inode)
      inode = fs.statSync(path).ino
    }
    await bank.touch('id', Date.now() + hour)
    inode = fs.statSync(path).ino
    await bank.touch('id', Date.now() + 2 * hour)
    assert.equal(fs.statSync(path).ino, inode, 'back from the header to the time')
    await bank.touch('id', 0)
    assert.ok(((await bank.read('id'))?.expires ?? 0) === 0)
    await bank.close()
  })

  it('to an earlier death is kept where the file has no version', async () => {
    const bank = new DiskBank({ path: folder })
    const path = new Spots(folder).of('shorter').path
    await bank.save('shorter', { payload: 'x', expires: Date.now() + 2 * hour })
    // As a system does that notes every access.
    const losesVersion = (): void => fs.utimesSync(path, Date.now() / 1000, fs.statSync(path).mtimeMs / 1000)
    for (const expires of [Date.now() + hour, Date.now() - 5_000]) {
      losesVersion()
      await bank.touch('shorter', expires)
      losesVersion()
      assert.equal((await new DiskBank({ path: folder }).read('shorter'))?.expires, expires)
    }
    await bank.touch('shorter', Date.now() + hour)
    await bank.purge(Date.now())
    assert.ok(!fs.existsSync(path), 'no touch revives what has died')
    await bank.close()
  })

  it('of another bank is seen, and its write too, though the content was known', async () => {
    const [one, other] = [new DiskBank({ path: folder }), new DiskBank({ path: folder })]
    const later = Date.now() + 2 * hour
    await one.save('known', { payload: 'old', expires: Date.now() + hour })
    await one.read('known')
    await other.touch('known', later)
    assert.deepEqual(await one.read('known'), { payload: 'old', expires: later })
    for (const payload of ['new', 'old', 'xyz']) {
      await other.save('known', { payload, expires: later })
      assert.deepEqual(await one.read('known'), { payload, expires: later })
    }
    await other.delete('known')
    assert.equal(await one.read('known'), null)
    await Promise.all([one.close(), other.close()])
  })
})
