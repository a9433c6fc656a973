import { checkOptions, invalidOption, type OptionRules, rules } from 'connect-databank'
import { clientRule, type RedisClient } from './client.ts'
import { keyOf } from './keys.ts'

/** The options of a Redis bank. Times in milliseconds. */
export interface RedisBankOptions {
  /** The server: `redis://[[user]:password@]host[:port][/database]`, `rediss://…` for TLS. Default `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** A connected client of node-redis 5 or 6 (client, cluster, sentinel) or ioredis 5 (client, cluster), instead of `url`. */
  readonly client?: RedisClient
  /** What the bank's keys begin with. Default `sess:`, as in connect-redis. */
  readonly prefix?: string
  /** Lets `clear()` delete every key of the database when `prefix` is empty. Default false: then `clear()` refuses. */
  readonly clearWholeDatabase?: boolean
  /**
   * Keeps a sorted set of all ids beside the sessions, by which `count`, `scan` and `purge` find them without looking at every key
   * of the database; every write costs more. Not in a cluster. Default false.
   */
  readonly index?: boolean
  /** How many commands may be under way or wait at once; any more fail with `DATABANK_UNAVAILABLE`. Default 10,000. */
  readonly maxPending?: number
  /** With `url`: how long a command waits for a connection before it fails with `DATABANK_UNAVAILABLE`. Default 2,000. */
  readonly offlineWait?: number
  /** With `url`: a connection on which nothing was answered for so long is given up for a new one. Default 5,000. */
  readonly stallTimeout?: number
  /** With `url`: further options of node-redis's `createClient`, such as `socket` with what TLS needs. */
  readonly clientOptions?: object
}

/** The options of the layers over the bank, which `RedisStore` and `openBank` put there. */
export interface LayerOptions {
  /**
   * With `url`: keeps what was read in this process, as long as the server tells of each change. Default false. `maxBytes`: how
   * much memory it may take. Default 32 MB, 33,554,432.
   */
  readonly nearCache?: boolean | { readonly maxBytes?: number }
}

const NEAR_CACHE_BYTES = 33_554_432

const RULES: OptionRules<RedisBankOptions> = {
  url: { expected: 'a URL that begins with redis:, rediss: or unix:', accepts: isRedisUrl },
  client: clientRule,
  prefix: {
    expected: 'a string of whole characters',
    accepts: (value) => typeof value === 'string' && keyOf('', value) === value,
  },
  clearWholeDatabase: rules.boolean,
  index: rules.boolean,
  maxPending: rules.positiveInteger,
  offlineWait: rules.positiveMilliseconds,
  stallTimeout: rules.positiveMilliseconds,
  clientOptions: rules.object,
}

/** They say how a connection is made: a client that is handed in has one already. */
const OF_THE_CONNECTION = ['url', 'offlineWait', 'stallTimeout', 'clientOptions'] as const

/** Throws `DATABANK_INVALID_OPTION` for what is unknown, wrong, or without effect. */
export function checkBankOptions(options: RedisBankOptions): void {
  checkOptions('RedisBank', RULES, options)
  const idle = OF_THE_CONNECTION.find((name) => options.client !== undefined && options[name] !== undefined)
  if (idle !== undefined) throw invalidOption(`RedisBank: ${idle} has no effect beside client`)
}

/** Parts the options of the layers from the bank's own. Throws as above. */
export function layersOf({ nearCache = false, ...bankOptions }: RedisBankOptions & LayerOptions) {
  const nearCacheBytes = nearCacheBytesOf(nearCache)
  if (nearCacheBytes !== undefined) checkCanTrack(bankOptions)
  return { nearCacheBytes, bankOptions }
}

function nearCacheBytesOf(nearCache: boolean | { readonly maxBytes?: number }): number | undefined {
  if (nearCache === false) return undefined
  if (nearCache === true) return NEAR_CACHE_BYTES
  checkOptions('nearCache', { maxBytes: rules.positiveInteger }, nearCache)
  return nearCache.maxBytes ?? NEAR_CACHE_BYTES
}

/** Changes are told on the connection that reads, in RESP 3: so it must be our own. */
function checkCanTrack({ client, clientOptions = {} }: RedisBankOptions): void {
  if (client !== undefined)
    throw invalidOption('RedisBank: nearCache needs url, for a connection of its own; it has no effect beside client')
  const taken = ['RESP', 'clientSideCache', 'emitInvalidate'].find((name) => Object.hasOwn(clientOptions, name))
  if (taken !== undefined) throw invalidOption(`RedisBank: nearCache does not go with clientOptions.${taken}`)
}

function isRedisUrl(value: unknown): boolean {
  return typeof value === 'string' && /^(rediss?|unix):$/.test(protocolOf(value) ?? '')
}

function protocolOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).protocol : undefined
}
