import pino from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import { DatabankStore } from '../src/store.ts'
import { type StoreOptions, splitOptions } from '../src/store-options.ts'
import { Client, sessionData, turnOfLoop } from './kit.ts'

const bank = new ReferenceBank()

describe('options', () => {
  it.each<[object, RegExp]>([
    [{}, /bank is missing.*read, save, delete/],
    [{ bank: {} }, /bank must be a bank/],
    [{ bank, tll: 1 }, /unknown option "tll"; expected bank, ttl/],
    [{ bank, ttl: '1 day' }, /ttl must be a positive number of milliseconds, or null, got a value of type string/],
    [{ bank, ttl: Number.NaN }, /ttl must be/],
    [{ bank, ttl: 0 }, /ttl must be/],
    [{ bank, touchAfter: -1 }, /touchAfter must be/],
    [{ bank, timeout: 0 }, /timeout must be/],
    [{ bank, timeout: null }, /timeout must be/],
    [{ bank, cleanupInterval: 0 }, /cleanupInterval must be/],
    [{ bank, merge: {} }, /merge must be a function/],
    [{ bank, log: {} }, /log must be a bunyan or pino logger or console/],
    [{ bank, __proto__: null, constructor: 1 }, /unknown option "constructor"/],
  ])('%o is a coded TypeError', (options, message) => {
    const make = () => new DatabankStore(options as StoreOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })

  it.each([undefined, null, 'bank', [], 7])('%o instead of options is one too', (options) => {
    expect(() => new DatabankStore(options as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
    expect(() => splitOptions(options as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })

  it('that are undefined count as not given', () => {
    const nothing = { ttl: undefined, touchAfter: undefined, timeout: undefined, log: undefined } as unknown as StoreOptions
    expect(() => new DatabankStore({ ...nothing, bank })).not.toThrow()
  })

  it('never show a secret', () => {
    expect(() => new DatabankStore({ bank, log: 'hunter2' } as never)).toThrow(/^((?!hunter2).)*$/)
  })

  it('are parted between the store and the bank', () => {
    expect(splitOptions({ ttl: 1, url: 'x', log: undefined, prefix: 'y' })).toEqual({
      storeOptions: { ttl: 1, log: undefined },
      bankOptions: { url: 'x', prefix: 'y' },
    })
  })
})

describe('log', () => {
  const corrupt = async (log: unknown) => {
    const place = new ReferenceBank()
    await place.save('secret-session-id', { payload: '{"contents":"private"', expires: null })
    await new Client(place, { log: log as never }).get('secret-session-id')
    await turnOfLoop()
  }

  it('takes pino, with neither contents nor whole ids', async () => {
    const lines: string[] = []
    await corrupt(pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ component: 'connect-databank', sid: 'secret…', level: 40 })
    expect(lines[0]).not.toMatch(/private|session-id/)
  })

  it('takes console', async () => {
    const warn = vi.fn()
    await corrupt({ debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() })
    expect(warn.mock.calls).toEqual([['connect-databank: corrupt record taken as missing', { sid: 'secret…' }]])
  })

  it('that throws fails no request', async () => {
    const fail = () => {
      throw new Error('disk full')
    }
    await corrupt({ debug: fail, info: fail, warn: fail, error: fail })
    await corrupt({ debug: fail, info: fail, warn: fail, error: fail, child: fail })
  })

  it('tells of a failure with its error, its code and whose it was', async () => {
    const error = vi.fn()
    const client = new Client(new ReferenceBank(), { log: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error } })
    await expect(client.set('session-id', { ...sessionData(), n: 1n } as never)).rejects.toThrow()
    expect(error.mock.calls).toEqual([
      ['connect-databank: set failed', { err: expect.objectContaining({ code: 'DATABANK_INVALID_SESSION' }), sid: 'sessio…' }],
    ])
  })
})
