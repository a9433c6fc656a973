import { checkOptions, invalidOption, type OptionRules, oneOf, rules, withMethods } from 'connect-databank'
import type { MongoClientOptions } from 'mongodb'
import type { MongoClientLike } from './driver.ts'

/** The options of a `MongoBank`. All times are in milliseconds. */
export interface MongoBankOptions {
  /** `mongodb://…` or `mongodb+srv://…`, with the database in it. Default: `mongodb://127.0.0.1:27017`. */
  url?: string
  /** What the driver is told beside the URL: TLS files, credentials, pool sizes. Only with `url`. */
  mongoOptions?: MongoClientOptions
  /** A `MongoClient` of the driver 6 or 7 instead of `url`: Mongoose's is `mongoose.connection.getClient()`. It stays yours: never closed by us. */
  client?: MongoClientLike
  /** Default: the one in the URL, else `test`, as the driver has it. */
  dbName?: string
  /** Default: `sessions`. */
  collectionName?: string
  /** Writes sessions as sub-documents that queries can look into, not as JSON text. Both forms are read, always. Default: false. */
  native?: boolean
  /** Reads what connect-databank 1.x wrote through databank-mongodb, too; its collection is `session`. Default: false. */
  readDatabank?: boolean
  /** Whether `open` and the first use make a TTL index, so that the server frees expired sessions. Default: true. */
  ttlIndex?: boolean
  /** Where sessions are read. Default: what the URL says, else `primary`; for a `client`, `primary`. Elsewhere a read may miss what was just written. */
  readPreference?: 'primary' | 'primaryPreferred' | 'secondary' | 'secondaryPreferred' | 'nearest'
  /** When a write counts as done, such as `{ w: 'majority', j: true }`. Default: what the URL or the client says, else the server's own. */
  writeConcern?: { w?: number | string; j?: boolean; wtimeoutMS?: number }
  /** Bounds each of the driver's waits, for a connection that is ours: for a server, a connection, an answer. Default: 5 000. */
  timeout?: number
  /** Operations that may be under way or wait; further ones fail at once with DATABANK_UNAVAILABLE. Default: 10 000. */
  maxPending?: number
  /** Told what does not stop the work but wants attention: no TTL index. Default: a warning of the process. */
  onWarning?: (message: string) => void
}

const RULES: OptionRules<MongoBankOptions> = {
  url: {
    expected: 'a URL that begins with mongodb:// or mongodb+srv://',
    accepts: (value) => typeof value === 'string' && /^mongodb(\+srv)?:\/\/./.test(value),
  },
  mongoOptions: rules.object,
  client: withMethods('a MongoClient', 'db', 'connect', 'close'),
  dbName: rules.nonEmptyString,
  collectionName: rules.nonEmptyString,
  native: rules.boolean,
  readDatabank: rules.boolean,
  ttlIndex: rules.boolean,
  readPreference: oneOf('primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'),
  writeConcern: rules.object,
  timeout: rules.positiveMilliseconds,
  maxPending: rules.positiveInteger,
  onWarning: rules.function,
}

const NOT_WITH_CRYPTO =
  'sessions that connect-mongo encrypted cannot be read here; leave them to expire, and put a layer around MongoBank to encrypt new ones'

/** Options of connect-mongo that mean something else here, and what to write instead. */
const REPLACED: Readonly<Record<string, string | Readonly<Record<string, string>>>> = {
  mongoUrl: 'use url',
  clientPromise: 'use client, which connects by itself on first use: new MongoClient(url)',
  autoRemove: {
    native: 'leave it out: a TTL index is made by default',
    interval: 'use ttlIndex: false and cleanupInterval, in milliseconds',
    disabled: 'use ttlIndex: false and cleanupInterval: null',
  },
  autoRemoveInterval: 'use cleanupInterval, in milliseconds, not minutes',
  createAutoRemoveIdx: 'use ttlIndex',
  stringify: 'use native: true instead of stringify: false; without it sessions are text',
  serialize: 'put a layer around MongoBank that changes the payload',
  unserialize: 'put a layer around MongoBank that changes the payload',
  transformId: 'put a layer around MongoBank that changes the ids',
  writeOperationOptions: 'use writeConcern',
  timestamps: 'there is no replacement: createdAt and updatedAt are left as they are',
  crypto: NOT_WITH_CRYPTO,
  cryptoAdapter: NOT_WITH_CRYPTO,
}

/** @throws DATABANK_INVALID_OPTION */
export function checkMongoOptions(options: MongoBankOptions): void {
  for (const [name, value] of Object.entries(options ?? {})) {
    const instead = value === undefined || !Object.hasOwn(REPLACED, name) ? undefined : REPLACED[name]
    if (instead !== undefined)
      throw invalidOption(`MongoBank: ${name} is an option of connect-mongo; ${adviceIn(instead, value)}`)
  }
  checkOptions('MongoBank', RULES, options)
  if (options.client !== undefined && (options.url !== undefined || options.mongoOptions !== undefined)) {
    throw invalidOption('MongoBank: give either client, or url and mongoOptions')
  }
}

function adviceIn(instead: string | Readonly<Record<string, string>>, value: unknown): string {
  if (typeof instead === 'string') return instead
  return Object.hasOwn(instead, String(value)) ? (instead[String(value)] as string) : Object.values(instead).join('; or ')
}
