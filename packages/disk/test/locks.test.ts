import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { Home } from '../src/home.ts'
import { type Spot, Spots } from '../src/layout.ts'
import { removeIfStale, take } from '../src/locks.ts'
import { newToken, stateOf } from '../src/owner.ts'
import { inAnHour, leftOver, newFolder } from './kit.ts'

let folder: string
let spot: Spot
let bank: DiskBank
beforeEach(async () => {
  folder = newFolder()
  spot = new Spots(folder).of('id')
  bank = new DiskBank({ path: folder })
  await bank.save('id', inAnHour('a'))
})
afterEach(async () => {
  await bank.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

const [boot, namespace, pid, start, random] = newToken().split('-') as [string, string, string, string, string]
/** A process that has ended: its number is nobody's for now. */
const endedPid = spawnSync(process.execPath, ['-e', '']).pid
const tokens = {
  ended: [boot, namespace, endedPid, start, random].join('-'),
  'of the same number as a living one, but older': [boot, namespace, pid, Number(start) - 1, random].join('-'),
  'of before the machine was started again': ['00000000', namespace, pid, start, random].join('-'),
}
const outOfSight = [boot, '00000000', endedPid, start, random].join('-')

/** Puts a lock as a process with this token would have left it. */
function leaveLock(token: string, path = spot.lock): void {
  const owner = join(folder, 'owners', token)
  fs.writeFileSync(owner, token)
  if (!fs.existsSync(path)) fs.linkSync(owner, path)
}

describe('a lock', () => {
  for (const [what, token] of Object.entries(tokens)) {
    it(`of a process ${what} holds up nobody, and purge removes all of it`, async () => {
      assert.equal(stateOf(token), 'dead')
      leaveLock(token)
      assert.equal(await bank.swap('id', 'a', inAnHour('b')), true)
      leaveLock(token)
      leaveLock(token, `${spot.lock}.break`)
      leaveLock(token, `${spot.lock}.break.break`)
      await bank.save('id', inAnHour('c'))
      leaveLock(token)
      assert.equal(await bank.delete('id'), true)
      leaveLock(token)
      leaveLock(token, `${spot.lock}.break`)
      fs.writeFileSync(join(spot.folder, `${token}-7.tmp`), 'half a se')
      // Killed before it could say who it is.
      fs.writeFileSync(join(folder, 'owners', token.replace(random, '0123456789abcdef')), '')
      await bank.purge(Date.now())
      await bank.close()
      assert.deepEqual(leftOver(folder), [])
    })
  }

  it.runIf(process.platform === 'linux')(
    'of a process that was killed holds up nobody, though its parent never asks',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        const [victim] = (await once(parent.stdout, 'data')).map(Number) as [number]
        const stat = (): string[] => fs.readFileSync(`/proc/${victim}/stat`, 'latin1').split(' ')
        const token = [boot, namespace, victim, stat()[21], random].join('-')
        assert.equal(stateOf(token), 'alive')
        leaveLock(token)
        process.kill(victim, 'SIGKILL')
        while (stat()[2] !== 'Z') await setImmediate()
        assert.equal(stateOf(token), 'dead')
        assert.equal(await bank.swap('id', 'a', inAnHour('b')), true)
      } finally {
        parent.kill('SIGKILL')
        await once(parent, 'exit')
      }
    },
  )

  it('of a process that lives is waited for, and not for ever', async () => {
    const home = new Home(folder)
    const lock = take(home, spot.lock)
    assert.equal(take(new Home(folder), spot.lock), null)
    assert.equal(removeIfStale(home, spot.lock), false)
    const began = performance.now()
    const held = { code: 'DATABANK_UNAVAILABLE', message: /process \d+ has held/ }
    await Promise.all([
      assert.rejects(bank.swap('id', 'a', inAnHour('b')), held),
      assert.rejects(bank.save('id', inAnHour('c')), held),
    ])
    assert.ok(performance.now() - began > 3_500)
    assert.equal((await bank.read('id'))?.payload, 'a', 'nobody waits to read')
    await bank.touch('id', null)
    assert.equal((await bank.read('id'))?.expires, null, 'nor to touch')
    assert.equal(await bank.purge(Date.now()), 0)
    assert.ok(fs.existsSync(spot.lock))
    const waiting = bank.swap('id', 'a', inAnHour('d'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    lock?.release()
    assert.equal(await waiting, true)
    home.leave()
  })

  it('of a process out of sight counts as long as that one may be at work', async () => {
    assert.equal(stateOf(outOfSight), 'unknown')
    leaveLock(outOfSight)
    assert.equal(removeIfStale(new Home(folder), spot.lock), false)
    const now = Date.now
    try {
      Date.now = () => now() + 61_000
      assert.equal(await bank.swap('id', 'a', inAnHour('b')), true)
    } finally {
      Date.now = now
    }
  })

  it('is given up by a process that was stopped for long while it held it', async () => {
    const home = new Home(folder)
    const lock = take(home, spot.lock)!
    const now = Date.now
    try {
      Date.now = () => now() + 21_000
      assert.throws(() => lock.check(), { code: 'DATABANK_UNAVAILABLE' })
      // Meanwhile another has it.
      fs.unlinkSync(spot.lock)
      const other = new Home(folder)
      const its = take(other, spot.lock)
      lock.release()
      assert.ok(fs.existsSync(spot.lock), 'the lock of another was removed')
      its?.release()
      other.leave()
    } finally {
      Date.now = now
    }
    assert.ok(!fs.existsSync(spot.lock))
    home.leave()
  })

  it('of ours that could not be removed does not hold us up', async () => {
    const home = new Home(folder)
    assert.ok(take(home, spot.lock))
    assert.ok(take(home, spot.lock), 'the same again')
    home.leave()
  })
})

describe('what runs at the same time', () => {
  it('a session that is renewed under the eyes of a purge stays', async () => {
    const home = new Home(folder)
    await bank.save('id', { payload: 'dead', expires: Date.now() - 1 })
    const lock = take(home, spot.lock)!
    const renewal = bank.swap('id', null, inAnHour('renewed'))
    assert.equal(await bank.purge(Date.now()), 0, 'somebody is at it')
    lock.release()
    assert.equal(await renewal, true)
    assert.equal(await bank.purge(Date.now()), 0)
    assert.equal((await bank.read('id'))?.payload, 'renewed')
    home.leave()
  })

  it('close waits for what is under way', async () => {
    const home = new Home(folder)
    const lock = take(home, spot.lock)!
    const swap = bank.swap('id', 'a', inAnHour('b'))
    let closed = false
    const closing = bank.close().then(() => {
      closed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(closed, false)
    lock.release()
    assert.equal(await swap, true)
    await closing
    home.leave()
    assert.deepEqual(leftOver(folder), [])
  })
})
