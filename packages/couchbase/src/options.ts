import {
  type BankContext,
  checkOptions,
  invalidOption,
  type OptionRules,
  oneOf,
  rules,
  withMethods,
} from 'connect-databank/backend'

/** A connected cluster of the couchbase SDK 4, from any copy of the package. */
export interface CouchbaseCluster {
  bucket(name: string): object
  query(statement: string): PromiseLike<unknown>
}

/** A collection of the couchbase SDK 4, from any copy of the package. */
export interface CouchbaseCollection {
  readonly name: string
  readonly scope: object
  get(key: string): Promise<unknown>
  mutateIn(key: string, specs: never[]): Promise<unknown>
}

/** How many nodes must have a write before it is answered, in ascending order. The numbers of the SDK are the indexes. */
const DURABILITY_LEVELS = ['none', 'majority', 'majorityAndPersistToActive', 'persistToMajority'] as const

/** The options of a `CouchbaseBank`. */
export interface CouchbaseBankOptions {
  /**
   * The cluster: `couchbase://host`, or `couchbases://host` for TLS. It may name more,
   * `couchbase://user:password@host/bucket/scope/collection`; an option of that name wins. Default: `couchbase://127.0.0.1`.
   */
  url?: string
  /** Default: that of the URL. */
  username?: string
  /** Default: that of the URL. */
  password?: string
  /** A connected cluster, instead of `url`. It is never closed here. */
  cluster?: CouchbaseCluster
  /** The collection's name; or a collection, instead of `url`, `bucket` and `scope`: its cluster is never closed here. Default: `_default`. */
  collection?: CouchbaseCollection | string
  /** Default: `default`. */
  bucket?: string
  /** Default: `_default`. */
  scope?: string
  /** The beginning of every key, up to 40 bytes. Default: `sess:`, as in connect-couchbase. */
  prefix?: string
  /** How many nodes must have a write before it is answered. Default: `none`. */
  durability?: (typeof DURABILITY_LEVELS)[number]
  /** The longest wait for a connection, in milliseconds. Default: four fifths of the store's `timeout`. */
  connectTimeout?: number
  /** The longest wait for one answer of the server, in milliseconds. Default: two fifths of the store's `timeout`. */
  operationTimeout?: number
  /** The size of the cache of documents, in characters; 0: none. Default: 8 388 608. */
  memory?: number
  /** Finds the sessions of an owner with a query, which needs an index on `databank.owner`. Default: false. */
  ownerIndex?: boolean
  /** The most operations under way; more fail at once with DATABANK_UNAVAILABLE. Default: 10 000. */
  maxPending?: number
}

/** A key has at most 250 bytes: five for the collection, 200 for the id. */
const LONGEST_PREFIX = 40

const collectionRule = withMethods('a collection', 'get', 'upsert', 'insert', 'replace', 'remove', 'mutateIn')

const optionRules: OptionRules<CouchbaseBankOptions> = {
  url: rules.nonEmptyString,
  username: rules.nonEmptyString,
  password: rules.string,
  cluster: withMethods('a connected cluster', 'bucket', 'query'),
  collection: {
    expected: `a name, or ${collectionRule.expected}`,
    accepts: (value) => rules.nonEmptyString.accepts(value) || collectionRule.accepts(value),
  },
  bucket: rules.nonEmptyString,
  scope: rules.nonEmptyString,
  prefix: {
    expected: `a string of at most ${LONGEST_PREFIX} bytes`,
    accepts: (value) => typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= LONGEST_PREFIX,
  },
  durability: oneOf(...DURABILITY_LEVELS),
  connectTimeout: rules.positiveMilliseconds,
  operationTimeout: rules.positiveMilliseconds,
  memory: {
    expected: 'a number of characters, 0 or more',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  ownerIndex: rules.boolean,
  maxPending: rules.positiveInteger,
}

/** The options, with the default where one is missing. @throws DATABANK_INVALID_OPTION */
export function checkedOptions(options: CouchbaseBankOptions, { timeout }: BankContext) {
  // If these are given as undefined, the connection does not exist yet.
  checkOptions('CouchbaseBank', optionRules, options, { needed: ['cluster', 'collection'] })
  const given = [options.url, options.cluster, typeof options.collection === 'object' ? options.collection : undefined]
  if (given.filter((each) => each !== undefined).length > 1) {
    throw invalidOption('CouchbaseBank: give only one of url, cluster and a collection that is no name')
  }
  const named = partsOf(options.url ?? 'couchbase://127.0.0.1')
  return {
    url: named.url,
    username: options.username ?? named.username ?? '',
    password: options.password ?? named.password ?? '',
    cluster: options.cluster,
    collection: options.collection ?? (named.collection || '_default'),
    bucket: options.bucket ?? (named.bucket || 'default'),
    scope: options.scope ?? (named.scope || '_default'),
    prefix: options.prefix ?? 'sess:',
    durabilityLevel: DURABILITY_LEVELS.indexOf(options.durability ?? 'none'),
    connectTimeout: options.connectTimeout ?? timeout * 0.8,
    // After a swap without an answer, the document is read: both operations have to end before the store's time-out.
    operationTimeout: options.operationTimeout ?? timeout * 0.4,
    queryTimeout: timeout * 6,
    memory: options.memory ?? 8_388_608,
    ownerIndex: options.ownerIndex ?? false,
    maxPending: options.maxPending,
  }
}

export type CheckedOptions = ReturnType<typeof checkedOptions>

/**
 * Splits `couchbase://user:password@host/bucket/scope/collection?options-of-the-sdk` into the address for the SDK and its other
 * parts. It does not use `URL`, which refuses several hosts.
 *
 * @throws DATABANK_INVALID_OPTION
 */
function partsOf(url: string) {
  const [, scheme, login, hosts, path = '', query = ''] =
    /^(couchbases?:\/\/)(?:([^@/?]*)@)?([^@/?]+)(\/[^?]*)?(\?.*)?$/i.exec(url) ?? []
  // The URL may hold a password: it is not shown.
  if (scheme === undefined) throw invalidOption('CouchbaseBank: url must be like couchbase://user:password@host/bucket')
  try {
    const [username, password] = (login ?? '').split(/:(.*)/s).map(decodeURIComponent)
    const [bucket, scope, collection, ...rest] = path.split('/').slice(1).map(decodeURIComponent)
    if (rest.length > 0) throw invalidOption('CouchbaseBank: the path of the URL is bucket/scope/collection')
    return { url: `${scheme.toLowerCase()}${hosts}${query}`, username, password, bucket, scope, collection }
  } catch (error) {
    if (error instanceof URIError) throw invalidOption('CouchbaseBank: the URL has a wrong percent-encoding')
    throw error
  }
}
