import { describe, expect, it, vi } from 'vitest'
import type { BankContext } from '../src/bank.ts'
import * as everything from '../src/index.ts'
import { openBank, openStore } from '../src/open.ts'
import { DatabankStore } from '../src/store.ts'
import { gatedBank, ReferenceBank } from './helpers.ts'

/** A module that opens reference banks, and what it was called with. */
function recordingModule() {
  const calls: [url: string, options: object, context: BankContext][] = []
  const module = {
    openBank(...call: [string, object, BankContext]) {
      calls.push(call)
      return new ReferenceBank()
    },
  }
  return { calls, schemes: { own: async () => module } }
}

describe('openStore and openBank', () => {
  it('open a scheme of the application’s own, with the bank’s options', async () => {
    const { calls, schemes } = recordingModule()
    const store = await openStore<{ projectId: string }>('Own://somewhere/x', { schemes, ttl: 7, projectId: 'p' })
    expect(store).toBeInstanceOf(DatabankStore)
    await openBank<{ projectId: string }>('own:', { schemes, projectId: 'q' })
    expect(calls.map(([url, options]) => [url, options])).toEqual([
      ['Own://somewhere/x', { projectId: 'p' }],
      ['own:', { projectId: 'q' }],
    ])
  })

  it('give the bank the time-out and the log of the store, as the constructor of a backend’s store does', async () => {
    const { calls, schemes } = recordingModule()
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    await openStore('own:', { schemes, timeout: 1_234, log })
    const [, options, context] = calls[0]!
    expect([options, context.timeout]).toEqual([{}, 1_234])
    context.warn('a damaged file was skipped', { file: 'a' })
    expect(log.warn.mock.calls).toEqual([['connect-databank: a damaged file was skipped', { file: 'a' }]])
  })

  it('give the bank the default time-out, and warnings to the process, where there is no store', async () => {
    const { calls, schemes } = recordingModule()
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await openBank('own:', { schemes })
    await openStore('own:', { schemes })
    for (const [, , context] of calls) {
      expect(context.timeout).toBe(5_000)
      context.warn('careful')
    }
    expect(emitWarning.mock.calls).toEqual([
      ['careful', { code: 'DATABANK_WARNING' }],
      ['careful', { code: 'DATABANK_WARNING' }],
    ])
    emitWarning.mockRestore()
  })

  it('take a module of the application’s own for a known scheme, as in a bundle', async () => {
    const { calls, schemes } = recordingModule()
    await openStore('redis://localhost', { schemes: { redis: schemes.own } })
    expect(calls).toHaveLength(1)
  })

  it('connect at the first operation, or in open()', async () => {
    const bank = gatedBank(new ReferenceBank())
    const store = await openStore('own:', { schemes: { own: async () => ({ openBank: () => bank }) } })
    expect(bank.calls('open') + bank.calls('read')).toBe(0)
    await store.open()
    expect(bank.calls('open')).toBe(1)
  })

  it('name what is known for a scheme that nothing serves, and the option schemes', async () => {
    await expect(openBank('foo://secret')).rejects.toMatchObject({
      code: 'DATABANK_UNKNOWN_SCHEME',
      message: expect.stringMatching(
        /^no package serves foo: URLs; known are memory:, .*; others are added with the option schemes$/,
      ),
    })
    await expect(openBank('constructor:x')).rejects.toMatchObject({ code: 'DATABANK_UNKNOWN_SCHEME' })
    await expect(openStore('foo:', { schemes: { bar: recordingModule().schemes.own } })).rejects.toThrow(
      'known are bar:, memory:',
    )
  })

  it('say what replaces LMDB', async () => {
    await expect(openBank('lmdb:./sessions.mdb')).rejects.toMatchObject({
      code: 'DATABANK_UNKNOWN_SCHEME',
      message: expect.stringContaining('sqlite:'),
    })
  })

  it.each([undefined, null, '', 'no url', '/path', '://host', '1x:', 7])('refuse %o, without showing it', async (url) => {
    await expect(openBank(url as string)).rejects.toMatchObject({
      code: 'DATABANK_INVALID_OPTION',
      message: 'expected a URL such as disk:./sessions or redis://localhost',
    })
  })

  it('refuse a module that is no backend', async () => {
    for (const module of [{}, undefined, { openBank: 'text' }]) {
      await expect(openBank('own:', { schemes: { own: async () => module as never } })).rejects.toMatchObject({
        code: 'DATABANK_INVALID_OPTION',
      })
    }
  })

  it('refuse wrong options of the store', async () => {
    const { schemes } = recordingModule()
    await expect(openStore('own:', { schemes, ttl: 'long' as never })).rejects.toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
  })

  it.each([7, 'text', null, []])('refuse %o in place of options', async (options) => {
    const refused = { name: 'TypeError', code: 'DATABANK_INVALID_OPTION' }
    await expect(openStore('memory:', options as never)).rejects.toMatchObject(refused)
    await expect(openBank('memory:', options as never)).rejects.toMatchObject(refused)
  })
})

describe('types', () => {
  it('do not accept a misspelt option, of the store or of the bank', () => {
    const check = (): unknown => [
      openStore('own:', { ttl: 1, touchAfter: 2 }),
      openStore<{ prefix?: string }>('own:', { ttl: 1, prefix: 'x' }),
      openBank<{ prefix?: string }>('own:', { prefix: 'x' }),
      // @ts-expect-error
      openStore('own:', { tll: 1 }),
      // @ts-expect-error
      openStore<{ prefix?: string }>('own:', { prefxi: 'x' }),
      // @ts-expect-error
      openStore<{ prefix?: string }>('own:', { prefix: 7 }),
      // @ts-expect-error
      openStore('own:', { ttl: 'long' }),
      // @ts-expect-error
      openBank<{ prefix?: string }>('own:', { prefxi: 'x' }),
      // @ts-expect-error
      new DatabankStore({ bank: new ReferenceBank(), tll: 1 }),
    ]
    expect(check).toBeTypeOf('function')
  })

  it('know the events and their details', () => {
    const store = new DatabankStore({ bank: new ReferenceBank(), cleanupInterval: null })
    store.on('conflict', ({ sid, keys }) => [sid.length, keys.length])
    store.once('corrupt', ({ sid, reason }) => [sid.length, reason.length])
    store.on('dropped', ({ sid }) => sid.length)
    store.on('timeout', ({ sid }) => sid?.length)
    store.on('disconnect', () => {})
    // @ts-expect-error
    store.on('conflict', ({ session }) => session)
    expect(store.listenerCount('conflict')).toBe(2)
  })

  it('know the promises and callbacks of every operation', () => {
    const store = new DatabankStore({ bank: new ReferenceBank(), cleanupInterval: null })
    const check = async (): Promise<unknown> => {
      const found = await store.get('sid')
      const count: number = await store.length()
      store.get('sid', (_error, session) => session?.cookie)
      store.length((_error, length) => length?.toFixed())
      // @ts-expect-error
      const wrong: string = await store.length()
      return [found?.cookie, count, wrong]
    }
    expect(check).toBeTypeOf('function')
  })
})

describe('the package', () => {
  it('exports what applications use, and nothing else', () => {
    const { default: _, ...named } = everything as Record<string, unknown>
    expect(Object.keys(named).sort()).toEqual(['DatabankError', 'DatabankStore', 'fromDatabank', 'openBank', 'openStore'])
  })
})
