import { checkOptions, invalidOption, type OptionRules, rules, urlWith, withMethods } from 'connect-databank/backend'
import { type RedisClient, refusalOf } from './clients.ts'

/** The options of a Redis bank. All times are in milliseconds. */
export interface RedisBankOptions {
  /**
   * The server: `redis://[[user]:password@]host[:port][/database]`, `rediss://…` for TLS, `unix:///path`; `valkey://…` and `valkeys://…`
   * mean the same. Default: `redis://127.0.0.1:6379`.
   */
  readonly url?: string
  /** A connected client of node-redis 5 or 6 (client, pool, cluster, sentinel) or ioredis 5 or 6 (client, cluster), instead of `url`. */
  readonly client?: RedisClient
  /** The beginning of the keys of sessions. Default: `sess:`, as in connect-redis. */
  readonly prefix?: string
  /** Allows `clear()` with an empty `prefix`, which deletes every string of the database. Default: false. */
  readonly clearWholeDatabase?: boolean
  /** The most operations under way at once; more reject with `DATABANK_UNAVAILABLE`. Default: 10 000. */
  readonly maxPending?: number
  /**
   * With `url`: how long an operation waits for a connection before it rejects with `DATABANK_UNAVAILABLE`. Default: two fifths of the
   * store's `timeout`, 2 000.
   */
  readonly offlineWait?: number
  /**
   * With `url`: a connection on which commands wait and none is answered for this long is replaced. Default: the store's `timeout`,
   * 5 000.
   */
  readonly stallTimeout?: number
  /** With `url`: further options of node-redis's `createClient`, such as `{ socket: { ca } }` for TLS. */
  readonly clientOptions?: object
}

const RULES: OptionRules<RedisBankOptions> = {
  url: urlWith(['redis', 'rediss', 'valkey', 'valkeys', 'unix'], 'redis://user:password@host:6379/0'),
  client: {
    expected: 'a connected client of node-redis 5 or 6, or of ioredis 5 or 6; give url instead to have one made',
    accepts: (value) => withMethods('', 'sendCommand').accepts(value) || withMethods('', 'call').accepts(value),
  },
  prefix: { expected: 'a string of well-formed Unicode', accepts: (value) => typeof value === 'string' && value.isWellFormed() },
  clearWholeDatabase: rules.boolean,
  maxPending: rules.positiveInteger,
  offlineWait: rules.positiveMilliseconds,
  stallTimeout: rules.positiveMilliseconds,
  clientOptions: rules.object,
}

/** @throws DATABANK_INVALID_OPTION for an option that is unknown, wrong, or without effect */
export function checkBankOptions(options: RedisBankOptions): void {
  checkOptions('RedisBank', RULES, options)
  if (options.client === undefined) return
  const refusal = refusalOf(options.client)
  if (refusal !== undefined) throw invalidOption(`RedisBank: client ${refusal}`)
  const useless = (['url', 'offlineWait', 'stallTimeout', 'clientOptions'] as const).find((name) => options[name] !== undefined)
  if (useless !== undefined) throw invalidOption(`RedisBank: ${useless} has no effect beside client`)
}
