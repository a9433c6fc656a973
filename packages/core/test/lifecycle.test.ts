import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { errorMapper } from '../src/backend/error-codes.ts'
import { Lifecycle, type LifecycleOptions } from '../src/backend/lifecycle.ts'
import { Gate, nextTurn } from './helpers.ts'

const errorOf = errorMapper('Bank', () => undefined)
const down = () => Promise.reject(Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' }))
const never = () => new Promise<never>(() => {})
const CLOSED = { code: 'DATABANK_CLOSED', message: 'Bank was closed' }

/** A lifecycle that counts its connections. */
function makeLifecycle(options: Partial<LifecycleOptions<string>> = {}) {
  const open = vi.fn(async () => `handle ${open.mock.calls.length}`)
  const close = vi.fn(async (_handle: string) => {})
  const lifecycle = new Lifecycle<string>({ name: 'Bank', open, close, errorOf, ...options })
  return { lifecycle, open, close }
}

const handleOf = (lifecycle: Lifecycle<string>) => lifecycle.run(async (handle) => handle)

describe('a connection', () => {
  it('is not opened before the first operation', async () => {
    const { open } = makeLifecycle()
    await nextTurn()
    expect(open).not.toHaveBeenCalled()
  })

  it('is opened once, by operations that come at the same time as well, and then kept', async () => {
    const { lifecycle, open } = makeLifecycle()
    expect(await Promise.all([handleOf(lifecycle), handleOf(lifecycle)])).toEqual(['handle 1', 'handle 1'])
    await lifecycle.open()
    expect(await handleOf(lifecycle)).toBe('handle 1')
    expect(open).toHaveBeenCalledTimes(1)
  })

  it('is opened again after a failure, by the next operation', async () => {
    const open = vi.fn().mockImplementationOnce(down).mockResolvedValue('handle')
    const { lifecycle } = makeLifecycle({ open })
    const failed = { code: 'DATABANK_UNAVAILABLE', message: 'Bank: connect failed' }
    const outcomes = [lifecycle.open(), handleOf(lifecycle)]
    for (const outcome of outcomes) await expect(outcome).rejects.toMatchObject(failed)
    expect(await handleOf(lifecycle)).toBe('handle')
    expect(open).toHaveBeenCalledTimes(2)
  })

  it('is opened again when its handle was forgotten, and only then', async () => {
    const { lifecycle } = makeLifecycle()
    await lifecycle.open()
    lifecycle.forget('another handle')
    expect(await handleOf(lifecycle)).toBe('handle 1')
    lifecycle.forget('handle 1')
    expect(await handleOf(lifecycle)).toBe('handle 2')
    lifecycle.forget('handle 1')
    expect(await handleOf(lifecycle)).toBe('handle 2')
  })
})

describe('a stream', () => {
  it('gives what the connected handle lists, and rejects with a coded error', async () => {
    const { lifecycle } = makeLifecycle()
    async function* list(handle: string) {
      yield handle
      await down()
    }
    const stream = lifecycle.stream(list)
    expect(await stream.next()).toEqual({ done: false, value: 'handle 1' })
    await expect(stream.next()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: 'Bank: connect failed' })
  })

  it('ends when the bank is closed, and its source with it, also if the handle stays open', async () => {
    const { lifecycle } = makeLifecycle()
    const ended = vi.fn()
    async function* list() {
      try {
        for (;;) yield 'item'
      } finally {
        ended()
      }
    }
    const stream = lifecycle.stream(list)
    await stream.next()
    await lifecycle.close()
    await expect(stream.next()).rejects.toMatchObject(CLOSED)
    expect(ended).toHaveBeenCalledTimes(1)
    await expect(lifecycle.stream(list).next()).rejects.toMatchObject(CLOSED)
  })
})

describe('an operation', () => {
  it('returns the result of its work, or rejects with a coded error, also if the work throws', async () => {
    // Each is accepted only if the one before it has ended for the count of operations under way too.
    const { lifecycle } = makeLifecycle({ maxPending: 1 })
    const thrown = new Error('syntax error')
    const throwing = () => {
      throw thrown
    }
    for (const work of [throwing, () => Promise.reject(thrown), throwing]) {
      await expect(lifecycle.run(work)).rejects.toMatchObject({
        code: 'DATABANK_BACKEND_FAILED',
        message: 'Bank: syntax error',
        cause: thrown,
      })
    }
    expect(await lifecycle.run(async () => 7)).toBe(7)
    expect(await handleOf(lifecycle)).toBe('handle 1')
  })

  it('is refused where maxPending are under way, and accepted when one of them has ended', async () => {
    const { lifecycle } = makeLifecycle({ maxPending: 2 })
    await lifecycle.open()
    const gate = new Gate()
    const works = ['a', 'b'].map((name) => lifecycle.run(() => gate.pass(name)))
    await expect(handleOf(lifecycle)).rejects.toMatchObject({
      code: 'DATABANK_UNAVAILABLE',
      message: 'Bank: 2 operations are under way already (maxPending)',
    })
    gate.release('a')
    await works[0]
    expect(await handleOf(lifecycle)).toBe('handle 1')
    gate.release('b')
    await works[1]
  })

  it('counts as as many operations as it says, until it has ended', async () => {
    const { lifecycle, close } = makeLifecycle({ maxPending: 3 })
    await lifecycle.open()
    const gate = new Gate()
    const batch = lifecycle.run(() => gate.pass('batch'), 3)
    await expect(handleOf(lifecycle)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    const closing = lifecycle.close()
    await nextTurn()
    expect(close.mock.calls).toEqual([])
    gate.release('batch')
    await Promise.all([batch, closing])
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('is refused while the connection is being opened, too, where there are too many', async () => {
    const { lifecycle } = makeLifecycle({ open: never })
    // One that was refused would be an unhandled rejection.
    for (let count = 0; count < 10_000; count++) void handleOf(lifecycle)
    await expect(handleOf(lifecycle)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
  })
})

describe('close', () => {
  it('waits for operations under way, closes the handle once, and refuses later operations', async () => {
    const { lifecycle, close } = makeLifecycle()
    const gate = new Gate()
    const work = lifecycle.run(async (handle) => {
      await gate.pass('work')
      return handle
    })
    await gate.arrived('work')
    const closing = [lifecycle.close(), lifecycle.close()]
    await nextTurn()
    expect([lifecycle.isClosed, close.mock.calls.length]).toEqual([true, 0])
    await expect(handleOf(lifecycle)).rejects.toMatchObject(CLOSED)
    gate.release('work')
    expect(await work).toBe('handle 1')
    await Promise.all(closing)
    expect(close.mock.calls).toEqual([['handle 1']])
    await expect(lifecycle.open()).rejects.toMatchObject(CLOSED)
  })

  it('closes a connection that is being opened, and lets its operations end', async () => {
    const gate = new Gate()
    const { lifecycle, close } = makeLifecycle({
      open: async () => {
        await gate.pass('open')
        return 'handle'
      },
    })
    const work = handleOf(lifecycle)
    const closing = lifecycle.close()
    gate.release('open')
    expect(await work).toBe('handle')
    await closing
    expect(close.mock.calls).toEqual([['handle']])
  })

  it('opens nothing where nothing is open', async () => {
    const { lifecycle, open, close } = makeLifecycle()
    await lifecycle.close()
    expect([open.mock.calls.length, close.mock.calls.length]).toEqual([0, 0])
  })

  it('leaves a client open that was handed in', async () => {
    const lifecycle = new Lifecycle<string>({ name: 'Bank', open: async () => 'client', errorOf })
    await lifecycle.open()
    await lifecycle.close()
    await expect(handleOf(lifecycle)).rejects.toMatchObject(CLOSED)
  })

  it('succeeds where the connection failed, or is lost while it is closed', async () => {
    const failing = makeLifecycle({ open: down })
    await failing.lifecycle.open().catch(() => {})
    await failing.lifecycle.close()
    const lost = makeLifecycle({ close: down })
    await lost.lifecycle.open()
    await lost.lifecycle.close()
  })

  it('makes a lost connection DATABANK_CLOSED for operations under way, and leaves other errors as they are', async () => {
    const { lifecycle } = makeLifecycle()
    await lifecycle.open()
    const gate = new Gate()
    const work = (fields: object) =>
      lifecycle.run(async () => {
        await gate.pass('work')
        throw Object.assign(new Error('ended'), fields)
      })
    const lost = [work({ code: 'ECONNRESET' }), work({})]
    const full = work({ code: 'ENOSPC' })
    const closing = lifecycle.close()
    gate.release('work')
    for (const each of lost) await expect(each).rejects.toMatchObject(CLOSED)
    await expect(full).rejects.toMatchObject({ code: 'DATABANK_FULL' })
    await closing
  })

  describe('in bounded time', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
    afterEach(() => void vi.useRealTimers())

    /** Whether close has ended after so many milliseconds. */
    async function endsWithin(milliseconds: number, lifecycle: Lifecycle<string>): Promise<boolean> {
      let hasEnded = false
      void lifecycle.close().then(() => {
        hasEnded = true
      })
      await vi.advanceTimersByTimeAsync(milliseconds)
      await nextTurn()
      return hasEnded
    }

    it('ends when an operation hangs, and closes the handle', async () => {
      const { lifecycle, close } = makeLifecycle({ closeTimeout: 100 })
      await lifecycle.open()
      void lifecycle.run(never)
      expect(await endsWithin(99, lifecycle)).toBe(false)
      expect(await endsWithin(1, lifecycle)).toBe(true)
      expect(close).toHaveBeenCalledTimes(1)
    })

    it('ends when the connection is never made', async () => {
      const { lifecycle } = makeLifecycle({ open: never, closeTimeout: 100 })
      void handleOf(lifecycle)
      expect(await endsWithin(200, lifecycle)).toBe(true)
    })

    it('ends when the handle cannot be closed', async () => {
      const { lifecycle } = makeLifecycle({ close: never, closeTimeout: 100 })
      await lifecycle.open()
      expect(await endsWithin(200, lifecycle)).toBe(true)
    })

    it('ends after five seconds by default, and leaves no timer', async () => {
      const { lifecycle } = makeLifecycle()
      await lifecycle.open()
      void lifecycle.run(never)
      expect(await endsWithin(5_000, lifecycle)).toBe(true)
      expect(vi.getTimerCount()).toBe(0)
    })
  })
})
