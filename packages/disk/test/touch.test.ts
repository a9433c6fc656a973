import assert from 'node:assert/strict'
import fs from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { Layout } from '../src/layout.ts'
import { decodeHead, EXPIRY_OFFSET, encodeExpires } from '../src/records.ts'
import { HOUR, newDirectory } from './helpers.ts'

let directory: string
let warnings: string[]
beforeEach(() => {
  directory = newDirectory()
  warnings = []
})
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

const open = (): DiskBank => new DiskBank({ path: directory }, { timeout: 5_000, warn: (message) => warnings.push(message) })
const pathOf = (id: string): string => new Layout(directory).pathOf(id)

describe('an expiry in a file', () => {
  it('is exact, and has the same width, whatever it is', () => {
    const date = fc.integer({ min: -8.64e15, max: 8.64e15 })
    const expires = fc.option(
      fc.oneof(
        date,
        date.map((time) => time / 4),
        fc.constantFrom(0, 8.64e15, -8.64e15),
      ),
    )
    fc.assert(
      fc.property(expires, (expires) => {
        const text = encodeExpires(expires)
        assert.equal(text.length, encodeExpires(null).length)
        assert.deepEqual(decodeHead(`databank2 ${text}`), { expires: expires === 0 ? 0 : expires })
      }),
      { numRuns: 20_000 },
    )
  })

  it('is not believed when a byte of it has changed', () => {
    const start = Buffer.from(`databank2 ${encodeExpires(1_767_225_600_000)}`)
    for (let bit = 0; bit < start.length * 8; bit++) {
      const changed = Buffer.from(start)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(typeof decodeHead(changed.toString('latin1')), 'string', `bit ${bit}`)
    }
  })
})

describe('a touch', () => {
  it('changes the expiry in place, and nothing else', async () => {
    const bank = open()
    await bank.save('id', { payload: 'x', expires: Date.now() + HOUR, owner: 'o' })
    const { ino } = fs.statSync(pathOf('id'))
    const before = fs.readFileSync(pathOf('id'))
    for (const expires of [Date.now() + 2 * HOUR, null, Date.now() + HOUR / 2, 8.64e15, Date.now() + 3 * HOUR]) {
      await bank.touch('id', expires, Date.now())
      for (const reader of [bank, open()]) assert.deepEqual(await reader.read('id'), { payload: 'x', expires, owner: 'o' })
      assert.equal(fs.statSync(pathOf('id')).ino, ino)
    }
    const after = fs.readFileSync(pathOf('id'))
    const end = EXPIRY_OFFSET + encodeExpires(null).length
    assert.deepEqual(after.subarray(0, EXPIRY_OFFSET), before.subarray(0, EXPIRY_OFFSET))
    assert.deepEqual(after.subarray(end), before.subarray(end))
    await bank.close()
  })

  it('to an earlier time counts, and none renews a session that has expired', async () => {
    const bank = open()
    const now = Date.now()
    await bank.save('id', { payload: 'x', expires: now + 2 * HOUR })
    await bank.touch('id', now + HOUR, now)
    assert.equal((await bank.read('id'))?.expires, now + HOUR)
    await bank.touch('id', now + 3 * HOUR, now + HOUR)
    assert.equal((await bank.read('id'))?.expires, now + HOUR, 'it had expired at the time of the touch')
    await bank.touch('id', now - 5_000, now)
    await bank.touch('id', now + HOUR, now)
    assert.equal((await bank.read('id'))?.expires, now - 5_000)
    assert.equal(await bank.purge(now), 1)
    await bank.touch('id', now + HOUR, now)
    assert.equal(await bank.read('id'), null)
    await bank.close()
  })

  it('of another process is seen at once, and so are its writes', async () => {
    const [one, other] = [open(), open()]
    const later = Date.now() + 2 * HOUR
    await one.save('id', { payload: 'old', expires: Date.now() + HOUR })
    await one.read('id')
    await other.touch('id', later, Date.now())
    assert.deepEqual(await one.read('id'), { payload: 'old', expires: later, owner: null })
    for (const payload of ['new', 'old', 'xyz']) {
      await other.save('id', { payload, expires: later })
      assert.equal((await one.read('id'))?.payload, payload)
    }
    await other.delete('id')
    assert.equal(await one.read('id'), null)
    await Promise.all([one.close(), other.close()])
  })

  it('of which a read sees only a part does not make the session look damaged', async () => {
    const bank = open()
    const [saved, touched] = [Date.now() + HOUR, Date.now() + 2 * HOUR]
    await bank.save('id', { payload: 'x', expires: saved })
    const readSync = fs.readSync
    let partialReads = 0
    fs.readSync = ((...args: Parameters<typeof readSync>) => {
      const length = readSync(...args)
      if (partialReads-- > 0) (args[1] as Buffer).write('9', EXPIRY_OFFSET + 7)
      return length
    }) as typeof fs.readSync
    try {
      for (const partial of [1, 2]) {
        partialReads = partial
        assert.equal((await bank.read('id'))?.expires, saved)
        partialReads = partial
        assert.equal(await bank.count(Date.now()), 1)
      }
      partialReads = 1
      await bank.touch('id', touched, Date.now())
    } finally {
      fs.readSync = readSync
    }
    assert.equal((await bank.read('id'))?.expires, touched)
    assert.deepEqual(warnings, [])
    await bank.close()
  })
})

it('a session keeps its expiry when its file is copied or restored from a backup', async () => {
  const bank = open()
  const touched = Date.now() + 2 * HOUR
  await bank.save('id', { payload: 'x', expires: Date.now() + HOUR })
  await bank.touch('id', touched, Date.now())
  const bytes = fs.readFileSync(pathOf('id'))
  await bank.delete('id')
  fs.writeFileSync(pathOf('id'), bytes)
  assert.equal((await bank.read('id'))?.expires, touched)
  await bank.close()
})
