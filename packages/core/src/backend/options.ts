import { invalidOption } from '../errors.ts'

/** What an option may be: a predicate, and words that say what is expected. */
export interface OptionRule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** The rules for the options of something, by name. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule }

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** Rules that many options share. */
export const rules = {
  positiveMilliseconds: {
    expected: 'a positive number of milliseconds',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  },
  milliseconds: {
    expected: 'a number of milliseconds, 0 or more',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  },
  positiveInteger: {
    expected: 'a positive whole number',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  string: { expected: 'a string', accepts: (value) => typeof value === 'string' },
  nonEmptyString: { expected: 'a non-empty string', accepts: (value) => typeof value === 'string' && value !== '' },
  boolean: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  function: { expected: 'a function', accepts: isFunction },
  object: { expected: 'an object', accepts: isObject },
} satisfies Record<string, OptionRule>

/** The rule, or null. */
export function orNull(rule: OptionRule): OptionRule {
  return { expected: `${rule.expected}, or null`, accepts: (value) => value === null || rule.accepts(value) }
}

/** One of these values. */
export function oneOf(...values: readonly unknown[]): OptionRule {
  return {
    expected: `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
    accepts: (value) => values.includes(value),
  }
}

/** An object that has these methods: how a client is recognized, whichever package made it. */
export function withMethods(what: string, ...methods: readonly string[]): OptionRule {
  return {
    expected: `${what} (with ${methods.join(', ')})`,
    accepts: (value) =>
      (isObject(value) || isFunction(value)) && methods.every((method) => isFunction((value as Record<string, unknown>)[method])),
  }
}

/** Options of other stores that people come from, and what replaces them here. */
const REPLACED: Readonly<Record<string, string>> = {
  disableTouch: 'touch is always on; touchAfter limits how often one is sent',
  disableTTL: 'ttl: null keeps sessions whose cookie has no expiry for ever',
  serializer: 'sessions are stored as JSON',
  stringify: 'sessions are stored as JSON',
  serialize: 'sessions are stored as JSON',
  unserialize: 'sessions are stored as JSON',
  crypto: 'use the option encryption',
  secret: 'use the option encryption',
  encryptionKey: 'use the option encryption',
  scanCount: 'listing reads in batches of a fixed size',
  autoRemove: 'use cleanupInterval (milliseconds, or null for none)',
  autoRemoveInterval: 'use cleanupInterval (milliseconds)',
  pruneSessionInterval: 'use cleanupInterval (milliseconds)',
  checkPeriod: 'use cleanupInterval (milliseconds)',
  checkExpirationInterval: 'use cleanupInterval (milliseconds)',
  clearExpired: 'use cleanupInterval (milliseconds, or null for none)',
  clearInterval: 'use cleanupInterval (milliseconds)',
  reapInterval: 'use cleanupInterval (milliseconds)',
  reapAsync: 'cleaning up never blocks; use cleanupInterval (milliseconds)',
  expiration: 'use ttl (milliseconds)',
  defaultExpirationTime: 'use ttl (milliseconds)',
  createDatabaseTable: 'use createTable',
  createTableIfMissing: 'use createTable',
  createtable: 'use createTable',
  tableName: 'use table',
  tablename: 'use table',
  schemaName: 'use schema',
  collectionName: 'use collection',
  mongoUrl: 'use url',
  clientPromise: 'use client',
  mongooseConnection: 'use client: mongoose.connection.getClient()',
  conString: 'use url',
  conObject: 'use pool: new pg.Pool({ … })',
  pgPromise: 'use pool: a pg.Pool',
  errorLog: 'use log',
  logFn: 'use log',
  max: 'use maxEntries',
}

/**
 * Throws `DATABANK_INVALID_OPTION` for an option that is unknown or breaks its rule, with words that say what is expected.
 * An option that is undefined counts as not given, except for those in `needed`.
 *
 * @param owner what the options belong to, as messages name it
 * @param alsoKnown names of options that somebody else checks: an unknown option may be a misspelt one of these
 * @param needed options that may not be given as undefined: `client: undefined` is a connection that is not made yet
 */
export function checkOptions(
  owner: string,
  ruleOf: Readonly<Record<string, OptionRule>>,
  options: unknown,
  { alsoKnown = STORE_OPTIONS, needed = NEEDED }: { alsoKnown?: readonly string[]; needed?: readonly string[] } = {},
): void {
  checkIsObject(owner, options)
  for (const [name, value] of Object.entries(options as object)) {
    const rule = Object.hasOwn(ruleOf, name) ? ruleOf[name] : undefined
    if (rule === undefined) {
      if (value === undefined) continue
      throw invalidOption(`${owner}: unknown option ${JSON.stringify(name)}; ${advice(name, Object.keys(ruleOf), alsoKnown)}`)
    }
    if (value === undefined && !needed.includes(name)) continue
    if (!rule.accepts(value)) throw invalidOption(`${owner}: ${name} must be ${rule.expected}, got ${describe(value)}`)
  }
}

/** The options of every store: a misspelt one reaches the bank's check. */
export const STORE_OPTIONS: readonly string[] = [
  'ttl',
  'touchAfter',
  'timeout',
  'cleanupInterval',
  'merge',
  'log',
  'owner',
  'maxSessionsPerOwner',
  'absoluteTimeout',
  'encryption',
  'hashIds',
]

const NEEDED: readonly string[] = ['client', 'pool']

function advice(name: string, known: readonly string[], alsoKnown: readonly string[]): string {
  if (Object.hasOwn(REPLACED, name)) return REPLACED[name]!
  const nearest = nearestOf(name, [...known, ...alsoKnown])
  if (nearest !== undefined) return `did you mean ${nearest}?`
  return `expected ${[...known, ...alsoKnown].join(', ')}`
}

/** The known name that differs least, if it differs by little. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Math.min(3, Math.ceil(name.length / 3)) + 1
  for (const each of known) {
    const distance = editDistance(name.toLowerCase().slice(0, 40), each.toLowerCase())
    if (distance < least) [nearest, least] = [each, distance]
  }
  return nearest
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}

/** @throws DATABANK_INVALID_OPTION */
export function checkIsObject(owner: string, options: unknown): void {
  if (isObject(options) && !Array.isArray(options)) return
  throw invalidOption(`${owner}: options must be an object, got ${describe(options)}`)
}

/** Describes a wrong value without showing a possible secret. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
