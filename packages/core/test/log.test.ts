import { Writable } from 'node:stream'
import bunyan from 'bunyan'
import pino from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import winston from 'winston'
import type { Bank } from '../src/bank.ts'
import { DatabankError } from '../src/errors.ts'
import type { Logger } from '../src/log.ts'
import { DatabankStore } from '../src/store.ts'
import { Client, nextTurn, ReferenceBank, sessionData, threeMethods } from './helpers.ts'

type Line = Record<string, unknown>

type Made = [name: string, make: () => { log: Logger; lines: () => Line[] }]

function bunyanLogger(hasSerializers: boolean) {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const serializers = hasSerializers ? { serializers: bunyan.stdSerializers } : {}
  const log = bunyan.createLogger({ name: 'app', level: 'trace', stream: stream as never, ...serializers })
  return { log: log as never, lines: () => lines.map((line) => JSON.parse(line)) }
}

function winstonLogger(isChild: boolean) {
  const lines: Line[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  const transports = [new winston.transports.Stream({ stream })]
  const parent = winston.createLogger({ level: 'silly', format: winston.format.json(), transports })
  return { log: (isChild ? parent.child({ requestId: 'r1' }) : parent) as never, lines: () => lines }
}

/** The loggers that people use, and what each has written, as JSON. */
const LOGGERS: Made[] = [
  ...(['bunyan', 'bunyan with its serializers'] as const).map((name) => [name, () => bunyanLogger(name !== 'bunyan')] as Made),
  [
    'pino',
    () => {
      const lines: string[] = []
      const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
      return { log: log as never, lines: () => lines.map((line) => JSON.parse(line)) }
    },
  ],
  ...(['winston', 'a child of winston'] as const).map((name) => [name, () => winstonLogger(name !== 'winston')] as Made),
]

const messageOf = (line: Line): unknown => line['msg'] ?? line['message']
/** The error of a line: bunyan and pino name it `err`, winston has it as `error`. */
const errorOf = (line: Line): Line => (line['err'] ?? line['error']) as Line

/** A bank whose reads fail, with a client's error as the cause. */
function failingBank(): Bank {
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' })
  const error = new DatabankError('DATABANK_UNAVAILABLE', 'redis://127.0.0.1:6379: connect ECONNREFUSED', { cause })
  return { ...threeMethods(new ReferenceBank()), read: () => Promise.reject(error) }
}

describe.each(LOGGERS)('a logger of %s', (name, make) => {
  it('gets text and fields of a warning, with neither session data nor a whole id', async () => {
    const { log, lines } = make()
    const bank = new ReferenceBank()
    await bank.save('secret-session-id', { payload: '{"contents":"private"', expires: null })
    await new Client(bank, { log }).get('secret-session-id')
    await nextTurn()
    const [line, ...others] = lines()
    expect(others).toEqual([])
    expect(line).toMatchObject({ component: 'connect-databank', sid: 'secret…' })
    expect(messageOf(line!)).toBe('the record is no session and counts as missing')
    expect([40, 'warn']).toContain(line!['level'])
    expect(JSON.stringify(line)).not.toMatch(/private|session-id/)
    if (name === 'a child of winston') expect(line!['requestId']).toBe('r1')
  })

  it('gets a failure with its message, its code, its cause and its stack', async () => {
    const { log, lines } = make()
    await new Client(failingBank(), { log }).get('secret-session-id').catch(() => {})
    await nextTurn()
    const [line] = lines()
    expect(messageOf(line!)).toBe('get failed')
    expect([50, 'error']).toContain(line!['level'])
    const error = errorOf(line!)
    expect(error).toMatchObject({ message: expect.stringMatching(/^redis:.*ECONNREFUSED/), code: 'DATABANK_UNAVAILABLE' })
    expect(error['stack']).toMatch(/DatabankError[\s\S]*at /)
    expect(JSON.stringify(error)).toContain('connect ECONNREFUSED 127.0.0.1:6379')
    expect(line!['sid']).toBe('secret…')
  })

  it('gets the events of a clean-up and a clear', async () => {
    const { log, lines } = make()
    const { store } = new Client(new ReferenceBank(), { log })
    await store.cleanup()
    await store.clear()
    await nextTurn()
    expect(lines().map(messageOf)).toEqual(['expired sessions deleted', 'all sessions cleared'])
  })

  it('gets warnings of the bank with their fields', async () => {
    const { log, lines } = make()
    new DatabankStore({
      log,
      cleanupInterval: null,
      bank: ({ warn }) => {
        warn('the clocks differ', { here: 'a', database: 'b' })
        return new ReferenceBank()
      },
    })
    await nextTurn()
    expect(lines()[0]).toMatchObject({ here: 'a', database: 'b' })
    expect(messageOf(lines()[0]!)).toBe('the clocks differ')
  })
})

describe('console', () => {
  const fakeConsole = () => ({ debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() })

  it('gets the text first, and the fields after it', async () => {
    const log = fakeConsole()
    const bank = new ReferenceBank()
    await bank.save('secret-session-id', { payload: '{"contents":"private"', expires: null })
    await new Client(bank, { log }).get('secret-session-id')
    expect(log.warn.mock.calls).toEqual([
      ['connect-databank: the record is no session and counts as missing', { sid: 'secret…', reason: expect.any(String) }],
    ])
  })

  it('gets a failure with its error, which console writes with code and cause', async () => {
    const log = fakeConsole()
    await new Client(failingBank(), { log }).get('secret-session-id').catch(() => {})
    const [text, { err, sid }] = log.error.mock.calls[0] as [string, { err: Error; sid: string }]
    expect([text, sid]).toEqual(['connect-databank: get failed', 'secret…'])
    expect(err).toMatchObject({ code: 'DATABANK_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } })
  })

  it('itself is accepted', () => {
    expect(() => new DatabankStore({ bank: new ReferenceBank(), log: console, cleanupInterval: null })).not.toThrow()
  })
})

describe('an outage', () => {
  afterEach(() => void vi.useRealTimers())

  it('is logged once, then counted, and logged again with the count after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    const error = vi.fn()
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error }
    const client = new Client(failingBank(), { log })
    const requests = async (count: number) => {
      for (let index = 0; index < count; index++) await client.get(`sid${index}`).catch(() => {})
    }
    await requests(1_000)
    expect(error).toHaveBeenCalledTimes(1)
    expect(error.mock.calls[0]![1]).not.toHaveProperty('repeated')
    vi.setSystemTime(59_999)
    await requests(1)
    expect(error).toHaveBeenCalledTimes(1)
    vi.setSystemTime(60_000)
    await requests(1)
    expect(error).toHaveBeenCalledTimes(2)
    expect(error.mock.calls[1]![1]).toMatchObject({ repeated: 1_000 })
  })

  it('hides no other kind of failure', async () => {
    const error = vi.fn()
    const client = new Client(failingBank(), { log: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error } })
    const invalid = { ...sessionData(), n: 1n } as never
    for (let time = 0; time < 3; time++) {
      await client.get('sid').catch(() => {})
      await client.set('sid', invalid).catch(() => {})
    }
    const codes = error.mock.calls.map(([, fields]) => fields.err.code)
    const timesOf = (code: string) => codes.filter((each) => each === code).length
    expect([timesOf('DATABANK_UNAVAILABLE'), timesOf('DATABANK_INVALID_SESSION')]).toEqual([1, 3])
  })
})

describe('a failure', () => {
  it.each(LOGGERS)('whose causes go in a circle is logged by %s too', async (_name, make) => {
    const { log, lines } = make()
    const failure: Error & { cause?: unknown } = new Error('down')
    failure.cause = new Error('inner', { cause: failure })
    const bank = { ...threeMethods(new ReferenceBank()), read: () => Promise.reject(failure) }
    await new Client(bank, { log }).get('sid').catch(() => {})
    await nextTurn()
    expect(lines().map(messageOf)).toEqual(['get failed'])
  })

  it('is logged with its error, its code and the beginning of the id', async () => {
    const error = vi.fn()
    const client = new Client(new ReferenceBank(), { log: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error } })
    await expect(client.set('session-id', { ...sessionData(), n: 1n } as never)).rejects.toThrow()
    expect(error.mock.calls).toEqual([
      ['connect-databank: set failed', { err: expect.objectContaining({ code: 'DATABANK_INVALID_SESSION' }), sid: 'sessio…' }],
    ])
  })

  it.each(['debug', 'info', 'warn', 'error', 'child'])('of the logger’s own method %s fails no request', async (method) => {
    const fail = () => {
      throw new Error('disk full')
    }
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), [method]: fail }
    const bank = new ReferenceBank()
    await bank.save('corrupt', { payload: '{', expires: null })
    const client = new Client(bank, { log })
    expect(await client.get('corrupt')).toBeNull()
    await client.store.cleanup()
    await client.store.clear()
    await expect(client.set('sid', { n: 1 } as never)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
  })
})
