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
  /** How many commands may be under way or wait at once; any more fail with `DATABANK_UNAVAILABLE`. Default 10,000. */
  readonly maxPending?: number
  /** With `url`: how long a command waits for a connection before it fails with `DATABANK_UNAVAILABLE`. Default 2,000. */
  readonly offlineWait?: number
  /** With `url`: a connection on which nothing was answered for so long is given up for a new one. Default 5,000. */
  readonly stallTimeout?: number
  /** With `url`: further options of node-redis's `createClient`, such as `socket` with what TLS needs. */
  readonly clientOptions?: object
}

const RULES: OptionRules<RedisBankOptions> = {
  url: { expected: 'a URL that begins with redis:, rediss: or unix:', accepts: isRedisUrl },
  client: clientRule,
  prefix: {
    expected: 'a string of whole characters',
    accepts: (value) => typeof value === 'string' && keyOf('', value) === value,
  },
  clearWholeDatabase: rules.boolean,
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

function isRedisUrl(value: unknown): boolean {
  return typeof value === 'string' && /^(rediss?|unix):$/.test(protocolOf(value) ?? '')
}

function protocolOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).protocol : undefined
}
