import { once } from 'node:events'
import { connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { closedError, codeOfSystemError, errorMapper } from '../src/backend/error-codes.ts'
import { coded, DatabankError, invalidOption, isCoded } from '../src/errors.ts'

const CODES = {
  DATABANK_UNAVAILABLE: [
    'ENOTFOUND',
    'ENODATA',
    'ESERVFAIL',
    'EREFUSED',
    'ETIMEOUT',
    'ECANCELLED',
    'EBADRESP',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EAI_NODATA',
    'EAI_NONAME',
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'ENOTCONN',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTDOWN',
    'EHOSTUNREACH',
    'ENETDOWN',
    'ENETRESET',
    'ENETUNREACH',
    'EADDRNOTAVAIL',
    'ERR_SOCKET_CLOSED',
    'ERR_SOCKET_CONNECTION_TIMEOUT',
  ],
  DATABANK_DENIED: ['EACCES', 'EPERM', 'EROFS'],
  DATABANK_FULL: ['ENOSPC', 'EDQUOT', 'EFBIG'],
} as const

const TABLE = Object.entries(CODES).flatMap(([code, systemCodes]) => systemCodes.map((systemCode) => [systemCode, code] as const))
const failure = (fields: object, message = 'failed') => Object.assign(new Error(message), fields)
const errorOf = errorMapper('the database', () => undefined)

describe('an error of the operating system or of Node.js', () => {
  it.each(TABLE)('%s is %s', (systemCode, code) => {
    const cause = failure({ code: systemCode }, 'connect failed')
    expect(errorOf(cause)).toMatchObject({ name: 'DatabankError', code, message: 'the database: connect failed', cause })
  })

  it.each(TABLE)('%s is %s also where it is a cause, or one of several errors', (systemCode, code) => {
    const error = failure({ code: systemCode })
    expect(codeOfSystemError(failure({ code: 'CLIENT_ERROR', cause: error }))).toBe(code)
    expect(codeOfSystemError(failure({ cause: failure({ cause: error }) }))).toBe(code)
    expect(codeOfSystemError(new AggregateError([failure({ code: 'OTHER' }), error]))).toBe(code)
    expect(codeOfSystemError(failure({ cause: new AggregateError([error]) }))).toBe(code)
  })

  it('ENOENT is DATABANK_UNAVAILABLE where a Unix socket is missing, as of a server that is down', async () => {
    const socket = connect('/nonexistent/.s.PGSQL.5432')
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ENOENT' })
    expect(codeOfSystemError(error)).toBe('DATABANK_UNAVAILABLE')
    expect(codeOfSystemError(failure({ code: 'ENOENT', syscall: 'open' }))).toBeUndefined()
  })

  it('is searched for a few causes deep, and not in circles', () => {
    const circle = failure({})
    Object.assign(circle, { cause: circle })
    expect(codeOfSystemError(circle)).toBeUndefined()
    let error: Error = failure({ code: 'EPIPE' })
    for (let depth = 0; depth < 20; depth++) error = failure({ cause: error })
    expect(codeOfSystemError(error)).toBeUndefined()
  })

  it.each([undefined, null, 'ECONNREFUSED', 7, {}, { code: 111 }, { code: 'toString' }, { code: 'constructor' }])(
    'is not %o',
    (error) => {
      expect(codeOfSystemError(error)).toBeUndefined()
    },
  )
})

describe('errorMapper', () => {
  it('asks the database’s own table first', () => {
    const map = errorMapper('Redis', ({ message }) => (String(message).startsWith('OOM') ? 'DATABANK_FULL' : undefined))
    expect(map(failure({ code: 'ECONNRESET' }, 'OOM command not allowed'))).toMatchObject({ code: 'DATABANK_FULL' })
    expect(map(failure({ code: 'ECONNRESET' }))).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
  })

  it('makes DATABANK_BACKEND_FAILED of everything else, with the database’s message and error', () => {
    const cause = failure({ code: 'SQLITE_CORRUPT' }, 'disk image is malformed')
    expect(errorOf(cause)).toMatchObject({
      code: 'DATABANK_BACKEND_FAILED',
      message: 'the database: disk image is malformed',
      cause,
    })
  })

  it.each([[undefined], [null], ['text'], [7], [{}], [failure({}, '')]])('makes an error of %o too', (thrown) => {
    const error = errorOf(thrown)
    expect(error).toBeInstanceOf(Error)
    expect([error.code, error.cause]).toEqual(['DATABANK_BACKEND_FAILED', thrown])
  })

  it('returns an error that has one of our codes as it is, whichever copy of the package has made it', () => {
    const foreign = failure({ code: 'DATABANK_INVALID_RECORD' })
    expect(errorOf(foreign)).toBe(foreign)
    const own = closedError('RedisBank')
    expect(errorOf(own)).toBe(own)
    expect(own).toMatchObject({ code: 'DATABANK_CLOSED', message: 'RedisBank was closed' })
  })
})

describe('errors with a code', () => {
  it('keep their code, message and cause', () => {
    const cause = new Error('down')
    const error = new DatabankError('DATABANK_TIMEOUT', 'get: no answer', { cause })
    expect(error).toMatchObject({ name: 'DatabankError', code: 'DATABANK_TIMEOUT', message: 'get: no answer', cause })
    expect(error).toBeInstanceOf(Error)
    expect(coded(error)).toBe(error)
  })

  it('are made of any other error, so that ENOENT is not taken for a missing session', () => {
    const cause = failure({ code: 'ENOENT' }, 'no such file')
    expect(coded(cause)).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'no such file', cause })
    expect(coded('text', 'DATABANK_UNAVAILABLE')).toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: 'text', cause: 'text' })
    expect([cause, undefined, null, 'DATABANK_TIMEOUT', {}].map(isCoded)).toEqual([false, false, false, false, false])
    expect(isCoded(coded(cause))).toBe(true)
  })

  it('may come from another realm, as Node.js’s own do in Jest', () => {
    const foreign = (fields: object) => Object.assign(runInNewContext('new Error("connect failed")'), fields)
    expect(foreign({}) instanceof Error).toBe(false)
    expect(isCoded(foreign({ code: 'DATABANK_TIMEOUT' }))).toBe(true)
    const cause = foreign({ code: 'ECONNREFUSED' })
    expect(errorOf(cause)).toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: 'the database: connect failed', cause })
    expect(coded(cause)).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'connect failed', cause })
  })

  it('are TypeErrors for wrong options', () => {
    const error = invalidOption('ttl must be a number')
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION', message: 'ttl must be a number' })
  })
})
