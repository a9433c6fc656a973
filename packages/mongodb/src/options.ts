import { checkOptions, invalidOption, type OptionRules, oneOf, rules, withMethods } from 'connect-databank/backend'
import type { MongoClientOptions } from 'mongodb'

/** The part of a `MongoClient` that is used: of the driver 6 or 7, from any copy of the package. */
export interface MongoClientLike {
  readonly writeConcern?: { readonly w?: unknown } | undefined
  db(name?: string): {
    collection(name: string, options?: object): object
    command(command: object, options?: object): Promise<unknown>
  }
  connect(): Promise<unknown>
  close(): Promise<void>
}

const READ_PREFERENCES = ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'] as const

/** The options of a `MongoBank`. */
export interface MongoBankOptions {
  /** `mongodb://…` or `mongodb+srv://…`, with the database in it. Default: `mongodb://127.0.0.1:27017`. */
  url?: string
  /** With `url`: further options of the driver's `MongoClient`, such as TLS files, credentials, pool sizes. */
  mongoOptions?: MongoClientOptions
  /** Instead of `url`: a `MongoClient` of the driver 6 or 7. With Mongoose, `mongoose.connection.getClient()`. The store never closes it. */
  client?: MongoClientLike
  /** Default: the database in the URL, else `test`, as in the driver. */
  dbName?: string
  /** Default: `sessions`. */
  collectionName?: string
  /** Writes sessions as sub-documents that queries can look into, not as JSON text. Both forms are always read. Default: false. */
  native?: boolean
  /** Also reads documents of connect-databank 1.x with databank-mongodb. Their collection is `session`. Default: false. */
  readDatabank?: boolean
  /** Creates a TTL index, with which the server deletes expired sessions. Default: true. */
  ttlIndex?: boolean
  /**
   * Where sessions are read. Default: that of the URL, else `primary`; for a `client`, `primary`. With another one, a read may miss the last
   * write.
   */
  readPreference?: (typeof READ_PREFERENCES)[number]
  /** When a write counts as done, such as `{ w: 'majority', j: true }`. Default: that of the URL or the client, else the server's own. */
  writeConcern?: { w?: number | string; j?: boolean; wtimeoutMS?: number }
  /** The most operations under way; more fail at once with DATABANK_UNAVAILABLE. Default: 10 000. */
  maxPending?: number
}

const optionRules: OptionRules<MongoBankOptions> = {
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
  readPreference: oneOf(...READ_PREFERENCES),
  writeConcern: rules.object,
  maxPending: rules.positiveInteger,
}

const NO_CRYPTO = 'use the option encryption; sessions that connect-mongo encrypted cannot be read, and expire'
const A_LAYER = 'put a layer around MongoBank that changes the payload'

/** Options of connect-mongo with another meaning here, and their replacements. */
const REPLACED: Readonly<Record<string, string>> = {
  mongoUrl: 'use url',
  clientPromise: 'use client, which connects by itself on first use: new MongoClient(url)',
  autoRemove:
    "for 'native' leave it out: a TTL index is made by default; for 'interval' use ttlIndex: false and cleanupInterval, in milliseconds; " +
    "for 'disabled' use ttlIndex: false and cleanupInterval: null",
  autoRemoveInterval: 'use cleanupInterval, in milliseconds, not minutes',
  createAutoRemoveIdx: 'use ttlIndex',
  stringify: 'use native: true instead of stringify: false; without it sessions are text',
  serialize: A_LAYER,
  unserialize: A_LAYER,
  transformId: 'use the option hashIds, or put a layer around MongoBank that changes the ids',
  writeOperationOptions: 'use writeConcern',
  timestamps: 'there is no replacement: createdAt and updatedAt are left as they are',
  crypto: NO_CRYPTO,
  cryptoAdapter: NO_CRYPTO,
}

/** @throws DATABANK_INVALID_OPTION */
export function checkMongoOptions(options: MongoBankOptions): void {
  for (const [name, value] of Object.entries(options ?? {})) {
    if (value === undefined || !Object.hasOwn(REPLACED, name)) continue
    throw invalidOption(`MongoBank: ${name} is an option of connect-mongo; ${REPLACED[name]}`)
  }
  checkOptions('MongoBank', optionRules, options)
  const { client, url, mongoOptions, writeConcern } = options
  if (client !== undefined && (url !== undefined || mongoOptions !== undefined)) {
    throw invalidOption('MongoBank: give either client, or url and mongoOptions')
  }
  refuseUnacknowledged(writeConcern ?? client?.writeConcern)
}

/** @throws DATABANK_INVALID_OPTION */
export function refuseUnacknowledged(writeConcern: { readonly w?: unknown } | undefined): void {
  if (writeConcern?.w !== 0) return
  throw invalidOption('MongoBank: writeConcern w: 0 gives no answers, so no write could be known to have happened')
}
