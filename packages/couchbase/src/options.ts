import { checkOptions, invalidOption, type OptionRules, oneOf, rules, withMethods } from 'connect-databank'
import type { CouchbaseCluster, CouchbaseCollection } from './client.ts'
import { longestPrefix } from './keys.ts'
import { parts } from './url.ts'

/** How many nodes must have a write before it is answered, beginning with none but the one it was sent to. */
export const durabilityLevels = ['none', 'majority', 'majorityAndPersistToActive', 'persistToMajority'] as const

export interface CouchbaseBankOptions {
  /**
   * Where the cluster is: `couchbase://host`, or `couchbases://host` for TLS. It may name more,
   * `couchbase://user:password@host/bucket/scope/collection`; an option of that name wins. Default: `couchbase://127.0.0.1`.
   */
  url?: string
  username?: string
  password?: string
  /** A connected cluster of the caller's, in place of an address; it is not closed. */
  cluster?: CouchbaseCluster
  /** A collection of the caller's, in place of address, bucket, scope and name; its cluster is not closed. */
  collection?: CouchbaseCollection | string
  /** Default: `default`. */
  bucket?: string
  /** Default: `_default`. */
  scope?: string
  /** What every key begins with. Default: `sess:`, as connect-couchbase has it. */
  prefix?: string
  /** When a write is answered. Default: `none`. */
  durability?: (typeof durabilityLevels)[number]
  /** How long to wait for a connection, in milliseconds. Default: 4 000. */
  connectTimeout?: number
  /** How long to wait for one answer of the server, in milliseconds. Default: 2 000. */
  operationTimeout?: number
  /** How much text to remember of what was read or written, in characters; 0: none. Default: 8 388 608. */
  memory?: number
}

const prefixRule = {
  expected: `a string of at most ${longestPrefix} bytes`,
  accepts: (value: unknown) => typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= longestPrefix,
}
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
  prefix: prefixRule,
  durability: oneOf(...durabilityLevels),
  connectTimeout: rules.positiveMilliseconds,
  operationTimeout: rules.positiveMilliseconds,
  memory: {
    expected: 'a number of characters, 0 or more',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
}

/** The options with the defaults where one is missing. @throws DATABANK_INVALID_OPTION */
export function checked(options: CouchbaseBankOptions) {
  checkOptions('CouchbaseBank', optionRules, options)
  const given = [options.url, options.cluster, typeof options.collection === 'object' ? options.collection : undefined]
  if (given.filter((each) => each !== undefined).length > 1) {
    throw invalidOption('CouchbaseBank: url, cluster and a collection that is no name exclude each other')
  }
  const named = parts(options.url ?? 'couchbase://127.0.0.1')
  return {
    url: named.url,
    username: options.username ?? named.username ?? '',
    password: options.password ?? named.password ?? '',
    cluster: options.cluster,
    collection: options.collection ?? named.collection ?? '_default',
    bucket: options.bucket ?? named.bucket ?? 'default',
    scope: options.scope ?? named.scope ?? '_default',
    prefix: options.prefix ?? 'sess:',
    durabilityLevel: durabilityLevels.indexOf(options.durability ?? 'none'),
    connectTimeout: options.connectTimeout ?? 4_000,
    operationTimeout: options.operationTimeout ?? 2_000,
    memory: options.memory ?? 8_388_608,
  }
}

export type CheckedOptions = ReturnType<typeof checked>
