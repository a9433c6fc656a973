import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it, vi } from 'vitest'
import { MemoryBank } from '../src/bank.ts'

const PAYLOAD = '{"cookie":{}}'
const DAY = 86_400_000
const START = Date.UTC(2026, 0, 1)

const entry = (expires: number | null) => ({ payload: PAYLOAD, expires })

describe('purge and count', () => {
  /** Near and far, on both sides of each boundary between ticks, in the past, never. */
  const distance = fc.oneof(
    fc.integer({ min: -5_000, max: 200_000 }),
    fc.integer({ min: -400 * DAY, max: 400 * DAY }),
    fc.tuple(fc.integer({ min: -300, max: 600 }), fc.integer({ min: -1, max: 1 })).map(([ticks, off]) => ticks * 30_000 + off),
    fc.constantFrom(null, -START, 1 - START, -START - 1_000_000, 8.64e15 - START),
  )
  const id = fc.integer({ min: 0, max: 12 }).map(String)
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('save' as const, 'touch' as const), id, distance }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'purge' as const, 'count' as const, 'wait' as const), id, distance }),
  )

  it('know exactly what has expired, whatever happened before and whatever the clock does', async () => {
    const check = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const bank = new MemoryBank()
      const model = new Map<string, number | null>()
      const isLive = (expires: number | null | undefined, time: number) =>
        expires !== undefined && (expires === null || expires > time)
      let now = START
      for (const { kind, id, distance } of steps) {
        const time = distance === null ? null : now + distance
        if (kind === 'wait') now = time ?? now
        else if (kind === 'save') {
          await bank.save(id, entry(time))
          model.set(id, time)
        } else if (kind === 'touch') {
          await bank.touch(id, time, now)
          if (isLive(model.get(id), now)) model.set(id, time)
        } else if (kind === 'delete') assert.equal(await bank.delete(id), model.delete(id))
        else if (kind === 'count') {
          const expected = [...model.values()].filter((expires) => isLive(expires, time ?? now)).length
          assert.equal(await bank.count(time ?? now), expected)
        } else {
          let expired = 0
          for (const [each, expires] of model) if (!isLive(expires, time ?? now) && model.delete(each)) expired++
          assert.equal(await bank.purge(time ?? now), expired)
        }
      }
      const stored: [string, number | null][] = []
      for await (const [each, { expires }] of bank.scan()) stored.push([each, expires])
      assert.deepEqual(new Map(stored), model)
      await bank.close()
    })
    await fc.assert(check, { numRuns: 1_000 })
  })
})

describe('a purge in slices', () => {
  it('leaves alone what is touched, deleted, saved anew or cleared meanwhile', async () => {
    const bank = new MemoryBank()
    const now = Date.now()
    const ids = Array.from({ length: 100_000 }, (_, index) => `${index}`)
    const fill = () => Promise.all(ids.map((id) => bank.save(id, entry(now - 1))))
    await fill()
    const purging = bank.purge(now)
    await new Promise((resolve) => setImmediate(resolve))
    // The bank does its work when it is called: no slice of the purge comes between these.
    const reads = ids.map((id, index) => {
      const reading = bank.read(id)
      if (index % 4 === 0) void bank.touch(id, now + 1, now - 2)
      if (index % 4 === 1) void bank.save(id, entry(now + 1))
      if (index % 4 === 2) void bank.delete(id)
      return reading
    })
    const isLeft = (await Promise.all(reads)).map((stored) => stored !== null)
    const left = isLeft.filter(Boolean).length
    assert.ok(left > 1_000 && left < 100_000, 'it is under way')
    const purged = await purging
    const kept = ids.filter((_, index) => index % 4 === 1 || (index % 4 === 0 && isLeft[index]))
    assert.deepEqual(await idsIn(bank), kept.sort())
    const spared = ids.filter((_, index) => index % 4 < 3 && isLeft[index])
    assert.equal(purged, 100_000 - spared.length)
    await fill()
    const ended = bank.purge(now)
    await bank.clear()
    await ended
    assert.equal(await bank.count(now), 0)
    await bank.save('a', entry(null))
    assert.equal(await bank.count(now), 1)
  })
})

describe('a memory bank frees expired sessions by itself', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: START }))
  afterEach(() => void vi.useRealTimers())

  it('within five seconds, and no other session', async () => {
    const bank = new MemoryBank()
    await bank.save('a', entry(START + 61_000))
    await bank.save('b', entry(START + 62_000))
    await bank.save('later', entry(START + 80_000))
    await bank.save('in a day', entry(START + DAY))
    await bank.save('never', entry(null))
    await bank.touch('b', START + 70_000, START)
    await vi.advanceTimersByTimeAsync(60_000)
    assert.equal(await sizeOf(bank), 5)
    await vi.advanceTimersByTimeAsync(6_000)
    assert.equal(await bank.read('a'), null)
    assert.equal(await sizeOf(bank), 4)
    await vi.advanceTimersByTimeAsync(9_000)
    assert.equal(await bank.read('b'), null)
    await vi.advanceTimersByTimeAsync(DAY)
    assert.equal(await sizeOf(bank), 1)
  })

  it('after the clock has jumped by a year', async () => {
    const bank = new MemoryBank()
    await bank.save('a', entry(START + 60_000))
    vi.setSystemTime(START + 365 * DAY)
    await vi.advanceTimersByTimeAsync(5_000)
    assert.equal(await sizeOf(bank), 0)
  })

  it('later, and not earlier, when the clock was set back', async () => {
    const bank = new MemoryBank()
    vi.setSystemTime(START + DAY)
    await bank.save('first', entry(START + DAY + 1_000))
    await vi.advanceTimersByTimeAsync(5_000)
    assert.equal(await sizeOf(bank), 0)
    vi.setSystemTime(START)
    await bank.save('a', entry(START + 60_000))
    await vi.advanceTimersByTimeAsync(59_000)
    assert.equal(await sizeOf(bank), 1)
    await vi.advanceTimersByTimeAsync(6_000)
    assert.equal(await sizeOf(bank), 0)
  })

  it('with a timer that runs only while a session can expire', async () => {
    const bank = new MemoryBank()
    assert.equal(vi.getTimerCount(), 0, 'none before there is a session')
    await bank.save('a', entry(null))
    assert.equal(vi.getTimerCount(), 0, 'none for a session that never expires')
    await bank.touch('a', START + 1_000, START)
    assert.equal(vi.getTimerCount(), 1)
    await vi.advanceTimersByTimeAsync(20_000)
    assert.equal(await bank.read('a'), null)
    assert.equal(vi.getTimerCount(), 0, 'none when all have been freed')
    await bank.save('a', entry(Date.now() + 1_000))
    assert.equal(vi.getTimerCount(), 1)
    await bank.close()
    assert.equal(vi.getTimerCount(), 0, 'none after close')
  })
})

describe('the timer of a memory bank', () => {
  it('does not keep the process alive', async () => {
    const keeping = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = keeping()
    const bank = new MemoryBank()
    await bank.save('a', entry(Date.now() + 3_600_000))
    assert.equal(keeping(), before)
    await bank.close()
  })

  it('does not keep a bank that nobody uses', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const make = async () => {
      const bank = new MemoryBank()
      await bank.save('a', entry(Date.now() + 3_600_000))
      return new WeakRef(bank)
    }
    const bank = await make()
    for (let turn = 0; turn < 10 && bank.deref() !== undefined; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    assert.equal(bank.deref(), undefined)
  })
})

async function idsIn(bank: MemoryBank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  return ids.sort()
}

async function sizeOf(bank: MemoryBank): Promise<number> {
  return (await idsIn(bank)).length
}
