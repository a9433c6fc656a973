import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../src/operation.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => {})

describe('Deadlines', () => {
  it('pass on a result, and a failure', async () => {
    const deadlines = new Deadlines(1_600)
    await expect(deadlines.limit(Promise.resolve(7), 'get')).resolves.toBe(7)
    await expect(deadlines.limit(Promise.reject(new Error('no')), 'get')).rejects.toThrow('no')
  })

  it('end what has no answer in time, not before, and at most two ticks late', async () => {
    const deadlines = new Deadlines(1_600)
    const ends: number[] = []
    const start = Date.now()
    const outcome = deadlines.limit(never(), 'get').catch((error) => {
      ends.push(Date.now() - start)
      return error
    })
    await vi.advanceTimersByTimeAsync(1_600)
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(ends).toEqual([1_700])
    expect(await outcome).toMatchObject({ code: 'DATABANK_TIMEOUT', message: 'get: no answer within 1600 ms' })
  })

  it('hold for what follows the result as well, with the time that is left', async () => {
    const deadlines = new Deadlines(1_600)
    await expect(deadlines.limit(Promise.resolve(1), 'get', async (value) => value + 1)).resolves.toBe(2)
    await expect(deadlines.limit(Promise.resolve(1), 'get', async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const answered = new Promise<void>((resolve) => setTimeout(resolve, 1_000))
    const outcome = deadlines.limit(answered, 'get', never).catch((error) => error)
    await vi.advanceTimersByTimeAsync(1_800)
    expect(await Promise.race([outcome, 'nothing'])).toMatchObject({ code: 'DATABANK_TIMEOUT' })
  })

  it('end each operation at its own time, also when others between them have ended', async () => {
    const deadlines = new Deadlines(1_600)
    const ended: string[] = []
    const hang = (name: string) => deadlines.limit(never(), name).catch(() => ended.push(name))
    hang('first')
    await vi.advanceTimersByTimeAsync(400)
    let answer: (value: string) => void = () => {}
    const answered = deadlines.limit(new Promise<string>((resolve) => (answer = resolve)), 'answered')
    hang('second')
    await vi.advanceTimersByTimeAsync(400)
    answer('yes')
    await expect(answered).resolves.toBe('yes')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ended).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(400)
    expect(ended).toEqual(['first', 'second'])
  })

  it('are idle when the last operation has ended or timed out, and at once when none is under way', async () => {
    const deadlines = new Deadlines(1_600)
    const events: string[] = []
    await deadlines.idle()
    let answer: () => void = () => {}
    const answered = deadlines.limit(new Promise<void>((resolve) => (answer = resolve)), 'answered')
    const failed = deadlines.limit(Promise.reject(new Error('no')), 'failed').catch(() => events.push('failed'))
    const idle = deadlines.idle().then(() => events.push('idle'))
    const alsoIdle = deadlines.idle()
    await failed
    await vi.advanceTimersByTimeAsync(200)
    expect(events).toEqual(['failed'])
    answer()
    await Promise.all([answered, idle, alsoIdle])
    expect(events).toEqual(['failed', 'idle'])
    deadlines.limit(never(), 'hangs').catch(() => events.push('timed out'))
    void deadlines.idle().then(() => events.push('idle again'))
    await vi.advanceTimersByTimeAsync(1_800)
    expect(events).toEqual(['failed', 'idle', 'timed out', 'idle again'])
  })

  it('set the cancellation at the deadline, and not before', async () => {
    const deadlines = new Deadlines(1_600)
    const [late, inTime] = [{ isCancelled: false }, { isCancelled: false }]
    const outcome = deadlines.limit(never(), 'set', undefined, late).catch((error) => error.code)
    await deadlines.limit(Promise.resolve(), 'set', undefined, inTime)
    await vi.advanceTimersByTimeAsync(1_600)
    expect([late.isCancelled, inTime.isCancelled]).toEqual([false, false])
    await vi.advanceTimersByTimeAsync(200)
    expect([late.isCancelled, inTime.isCancelled, await outcome]).toEqual([true, false, 'DATABANK_TIMEOUT'])
  })

  it('do not run what follows a result that comes too late', async () => {
    const deadlines = new Deadlines(1_600)
    const next = vi.fn()
    const late = new Promise<void>((resolve) => setTimeout(resolve, 5_000))
    const outcome = deadlines.limit(late, 'get', next).catch((error) => error.code)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await outcome).toBe('DATABANK_TIMEOUT')
    expect(next).not.toHaveBeenCalled()
  })

  it('share one timer, and have none when nothing is under way', async () => {
    const deadlines = new Deadlines(1_600)
    const answers = Array.from({ length: 100 }, () => deadlines.limit(Promise.resolve(), 'get'))
    expect(vi.getTimerCount()).toBe(1)
    await Promise.all(answers)
    await vi.advanceTimersByTimeAsync(200)
    expect(vi.getTimerCount()).toBe(0)
  })
})
