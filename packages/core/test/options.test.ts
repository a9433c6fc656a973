import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkOptions, oneOf, orNull, rules, STORE_OPTIONS, withMethods } from '../src/backend/options.ts'
import { type BankContext, extend } from '../src/bank.ts'
import { type StoreOptions, splitOptions } from '../src/options.ts'
import { DatabankStore } from '../src/store.ts'
import { ReferenceBank } from './helpers.ts'

const INVALID = expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' })
const bank = new ReferenceBank()
const unlistable = extend(bank, { idsOf: undefined, scan: undefined })

describe('the options of a store', () => {
  it.each<[object, RegExp]>([
    [{}, /bank is missing.*read, save, delete/],
    [{ bank: undefined }, /bank is missing/],
    [{ bank: {} }, /bank must be a bank/],
    [{ bank: null }, /bank must be a bank/],
    [{ bank, qqqqqqqq: 1 }, /unknown option "qqqqqqqq"; expected bank, ttl/],
    [{ bank, ttl: '1 day' }, /ttl must be a positive number of milliseconds, or null, got a value of type string/],
    [{ bank, ttl: Number.NaN }, /ttl must be/],
    [{ bank, ttl: 0 }, /ttl must be/],
    [{ bank, ttl: Infinity }, /ttl must be/],
    [{ bank, touchAfter: -1 }, /touchAfter must be/],
    [{ bank, timeout: 0 }, /timeout must be/],
    [{ bank, timeout: null }, /timeout must be/],
    [{ bank, cleanupInterval: 0 }, /cleanupInterval must be/],
    [{ bank, merge: {} }, /merge must be a function/],
    [{ bank, log: {} }, /log must be a bunyan, pino or winston logger, or console/],
    [{ bank, owner: 'userId' }, /owner must be a function/],
    [{ bank, owner: () => null, maxSessionsPerOwner: 0 }, /maxSessionsPerOwner must be a positive whole number/],
    [{ bank, owner: () => null, maxSessionsPerOwner: 1.5 }, /maxSessionsPerOwner must be/],
    [{ bank, maxSessionsPerOwner: 3 }, /maxSessionsPerOwner needs the option owner/],
    [{ bank, absoluteTimeout: 0 }, /absoluteTimeout must be/],
    [{ bank, absoluteTimeout: '8h' }, /absoluteTimeout must be/],
    [{ bank, __proto__: null, constructor: 1 }, /unknown option "constructor"/],
  ])('%o is a TypeError with a code', (options, message) => {
    const make = () => new DatabankStore(options as StoreOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
    expect(make).toThrow(INVALID)
  })

  it.each([undefined, null, 'bank', [], 7])('%o instead of options is one too', (options) => {
    expect(() => new DatabankStore(options as never)).toThrow(INVALID)
    expect(() => splitOptions(options as never)).toThrow(INVALID)
  })

  it('may need a capability of the bank', () => {
    const make = () => new DatabankStore({ bank: unlistable, owner: () => null, maxSessionsPerOwner: 1 })
    expect(make).toThrow(expect.objectContaining({ code: 'DATABANK_NOT_SUPPORTED' }))
  })

  it('that are undefined count as not given', () => {
    const nothing = Object.fromEntries(STORE_OPTIONS.map((name) => [name, undefined]))
    expect(() => new DatabankStore({ ...nothing, unknown: undefined, bank } as StoreOptions)).not.toThrow()
  })

  it('are never shown in a message, since they may be secret', () => {
    expect(() => new DatabankStore({ bank, log: 'hunter2' } as never)).toThrow(/^((?!hunter2).)*$/)
  })

  it('are split from those of the bank', () => {
    const store = { ttl: 1, log: undefined, owner: () => null, absoluteTimeout: 1, maxSessionsPerOwner: 1 }
    expect(splitOptions({ ...store, url: 'x', prefix: 'y' } as never)).toEqual({
      storeOptions: store,
      bankOptions: { url: 'x', prefix: 'y' },
    })
  })

  it('take a function that makes the bank, with the time-out and the log of the store', () => {
    const warn = vi.fn()
    let context: BankContext | undefined
    const log = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() }
    const make = (given: BankContext) => {
      context = given
      return new ReferenceBank()
    }
    new DatabankStore({ bank: make, timeout: 1_234, log, cleanupInterval: null })
    expect(context?.timeout).toBe(1_234)
    context?.warn('a damaged file was skipped', { file: 'a.json' })
    expect(warn.mock.calls).toEqual([['connect-databank: a damaged file was skipped', { file: 'a.json' }]])
    new DatabankStore({ bank: make, cleanupInterval: null })
    expect(context?.timeout).toBe(5_000)
  })

  it('without a log, a warning of the bank is a warning of the process', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    new DatabankStore({
      cleanupInterval: null,
      bank: ({ warn }) => {
        warn('a damaged file was skipped')
        return new ReferenceBank()
      },
    })
    expect(emitWarning.mock.calls).toEqual([['a damaged file was skipped', { code: 'DATABANK_WARNING' }]])
    emitWarning.mockRestore()
  })
})

describe('a time in seconds', () => {
  afterEach(() => void vi.restoreAllMocks())

  /** The warnings of a copy of the package that has given none yet. */
  async function warningsOf(...all: object[]): Promise<unknown[]> {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    vi.resetModules()
    const { DatabankStore: Store } = await import('../src/store.ts')
    for (const options of all) new Store({ bank, cleanupInterval: null, ...options })
    return emitWarning.mock.calls.map(([message]) => message)
  }

  it.each([
    ['half an hour', 1_800],
    ['an hour', 3_600],
    ['two hours', 7_200],
    ['a day', 86_400],
    ['a week', 604_800],
    ['two weeks', 1_209_600],
    ['thirty days', 2_592_000],
    ['a year', 31_536_000],
  ])('(%s, %i) gives a warning, once', async (_name, seconds) => {
    const warning = `connect-databank: ttl is ${seconds} milliseconds; if seconds are meant, it is ${seconds * 1000}`
    expect(await warningsOf({ ttl: seconds }, { ttl: seconds })).toEqual([warning])
  })

  it('gives a warning for absoluteTimeout too', async () => {
    const [warning] = await warningsOf({ absoluteTimeout: 86_400 })
    expect(warning).toContain('absoluteTimeout is 86400 milliseconds')
  })

  it.each([1, 500, 1_000, 60_000, 3_600_000, 86_400_000, 7 * 86_400_000, 14 * 86_400_000, 365 * 86_400_000])(
    '%i is none: there is no warning',
    async (ttl) => {
      expect(await warningsOf({ ttl })).toEqual([])
    },
  )
})

describe('checkOptions', () => {
  const RULES = {
    url: rules.nonEmptyString,
    client: withMethods('a client', 'get', 'set'),
    pool: withMethods('a pool', 'query'),
    prefix: rules.string,
    keys: rules.object,
    mode: oneOf('a', 'b'),
    limit: orNull(rules.positiveInteger),
    wait: rules.milliseconds,
    once: rules.positiveMilliseconds,
    flag: rules.boolean,
    make: rules.function,
  }
  const check = (options: unknown) => () => checkOptions('RedisBank', RULES, options)

  it.each<[object]>([
    [{}],
    [{ url: 'x', prefix: '', mode: 'b', limit: null, wait: 0, once: 0.5, flag: false, make: () => {}, keys: {} }],
    [{ client: { get() {}, set() {}, more: 1 }, pool: Object.assign(() => {}, { query() {} }), limit: 3 }],
    [{ prefix: undefined, unknown: undefined }],
  ])('accepts %o', (options) => {
    expect(check(options)).not.toThrow()
  })

  it.each<[object, string]>([
    [{ url: '' }, 'RedisBank: url must be a non-empty string, got a value of type string'],
    [{ prefix: null }, 'RedisBank: prefix must be a string, got null'],
    [{ mode: 'c' }, 'RedisBank: mode must be one of "a", "b", got a value of type string'],
    [{ limit: -1 }, 'RedisBank: limit must be a positive whole number, or null, got -1'],
    [{ wait: Number.NaN }, 'RedisBank: wait must be a number of milliseconds, 0 or more, got NaN'],
    [{ once: 0 }, 'RedisBank: once must be a positive number of milliseconds, got 0'],
    [{ flag: 'yes' }, 'RedisBank: flag must be true or false, got a value of type string'],
    [{ make: {} }, 'RedisBank: make must be a function, got a value of type object'],
    [{ keys: 'k' }, 'RedisBank: keys must be an object, got a value of type string'],
    [{ client: {} }, 'RedisBank: client must be a client (with get, set), got a value of type object'],
    [{ url: [] }, 'RedisBank: url must be a non-empty string, got an array'],
  ])('says what is expected instead of %o', (options, message) => {
    expect(check(options)).toThrow(message)
    expect(check(options)).toThrow(INVALID)
  })

  it.each([
    [{ client: undefined }, 'RedisBank: client must be a client (with get, set), got undefined'],
    [{ pool: undefined }, 'RedisBank: pool must be a pool (with query), got undefined'],
  ])('refuses %o: the connection is not made yet', (options, message) => {
    expect(check(options)).toThrow(message)
    expect(check(options)).toThrow(TypeError)
  })

  it.each([
    ['prefx', 'prefix'],
    ['Prefix', 'prefix'],
    ['URL', 'url'],
    ['clients', 'client'],
    ['ttll', 'ttl'],
    ['touchafter', 'touchAfter'],
    ['cleanUpInterval', 'cleanupInterval'],
    ['maxSessionPerOwner', 'maxSessionsPerOwner'],
    ['absolute_timeout', 'absoluteTimeout'],
    ['hashids', 'hashIds'],
  ])('names the nearest option for %s, of the bank’s and of the store’s: %s', (name, nearest) => {
    expect(check({ [name]: 1 })).toThrow(`RedisBank: unknown option "${name}"; did you mean ${nearest}?`)
  })

  it('says of an option of the store that the bank has none', () => {
    expect(check({ ttl: 5 })).toThrow('RedisBank: ttl is an option of the store, and cannot be given here')
  })

  it.each([
    ['disableTouch', /touch is always on; touchAfter limits how often one is sent/],
    ['disableTTL', /ttl: null/],
    ['serializer', /sessions are stored as JSON/],
    ['stringify', /sessions are stored as JSON/],
    ['unserialize', /sessions are stored as JSON/],
    ['crypto', /option encryption/],
    ['secret', /option encryption/],
    ['encryptionKey', /option encryption/],
    ['scanCount', /batches of a fixed size/],
    ['autoRemove', /cleanupInterval/],
    ['autoRemoveInterval', /cleanupInterval/],
    ['pruneSessionInterval', /cleanupInterval/],
    ['checkPeriod', /cleanupInterval/],
    ['checkExpirationInterval', /cleanupInterval/],
    ['clearExpired', /cleanupInterval/],
    ['clearInterval', /cleanupInterval/],
    ['reapInterval', /cleanupInterval/],
    ['reapAsync', /cleanupInterval/],
    ['expiration', /ttl/],
    ['defaultExpirationTime', /ttl/],
    ['createTableIfMissing', /createTable/],
    ['createDatabaseTable', /createTable/],
    ['tableName', /use table/],
    ['schemaName', /use schema/],
    ['collectionName', /use collection/],
    ['mongoUrl', /use url/],
    ['clientPromise', /use client/],
    ['mongooseConnection', /getClient/],
    ['conString', /use url/],
    ['conObject', /use pool/],
    ['pgPromise', /use pool/],
    ['errorLog', /use log/],
    ['logFn', /use log/],
  ])('names what replaces %s, an option of another store', (name, replacement) => {
    expect(check({ [name]: 1 })).toThrow(replacement)
    expect(() => new DatabankStore({ bank, [name]: 1 } as never)).toThrow(replacement)
  })

  it('lists what it knows for an option that resembles none', () => {
    expect(check({ qqqqqqqq: 1 })).toThrow(/expected url, client, pool, .*make, ttl, touchAfter, /)
  })

  it.each(['x'.repeat(100_000), '', '__proto__', 'constructor', 'toString'])(
    'answers at once for an option named %.20s',
    (name) => {
      expect(check(JSON.parse(JSON.stringify({ [name]: 1 }).replace(/^\{""/, '{""')))).toThrow(/unknown option|must be/)
    },
  )

  it.each([undefined, null, [], 'text', 7])('refuses %o in place of options', (options) => {
    expect(check(options)).toThrow('RedisBank: options must be an object')
  })

  it('knows every option of the store', () => {
    const known = { encryption: { keys: ['a'.repeat(64)] }, hashIds: true, owner: () => null, maxSessionsPerOwner: 1 }
    const rest = {
      ttl: 1,
      touchAfter: 0,
      timeout: 1,
      cleanupInterval: null,
      merge: () => {},
      log: console,
      absoluteTimeout: null,
    }
    expect(Object.keys({ ...known, ...rest }).sort()).toEqual([...STORE_OPTIONS].sort())
    expect(() => new DatabankStore({ bank, ...known, ...rest } as never)).not.toThrow()
  })
})
