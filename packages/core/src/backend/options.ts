import { invalidOption } from '../errors.ts'
import type { StoreOptions } from '../options.ts'

/** The rule of an option: a predicate, and a description of valid values. */
export interface OptionRule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** Rules of options, by name. */
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

/** A URL with one of these schemes. A part with a stray `%` is refused: clients decode the parts, and fail late. */
export function urlWith(schemes: readonly string[], example: string): OptionRule {
  return {
    expected: `a URL such as ${example}, with special characters percent-encoded`,
    accepts: (value) => typeof value === 'string' && URL.canParse(value) && isUrlWith(schemes, new URL(value)),
  }
}

function isUrlWith(schemes: readonly string[], { protocol, username, password, pathname }: URL): boolean {
  try {
    decodeURIComponent(`${username} ${password} ${pathname}`)
  } catch {
    return false
  }
  return schemes.includes(protocol.slice(0, -1))
}

/** The rules for the options of every store. */
export const storeRules: OptionRules<Omit<StoreOptions, 'bank'>> = {
  ttl: orNull(rules.positiveMilliseconds),
  touchAfter: rules.milliseconds,
  timeout: rules.positiveMilliseconds,
  cleanupInterval: orNull(rules.positiveMilliseconds),
  merge: rules.function,
  log: withMethods('a bunyan, pino or winston logger, or console', 'debug', 'info', 'warn', 'error'),
  owner: rules.function,
  maxSessionsPerOwner: rules.positiveInteger,
  absoluteTimeout: orNull(rules.positiveMilliseconds),
  encryption: rules.object,
  hashIds: {
    expected: 'true, false, or { acceptPlain }',
    accepts: (value) =>
      typeof value === 'boolean' || (rules.object.accepts(value) && Object.keys(value as object).join() === 'acceptPlain'),
  },
}

/** The bank's check gets misspelt names of these. */
export const STORE_OPTIONS: readonly string[] = Object.keys(storeRules)

/** Names of options of other stores that people come from, and what replaces them here. */
const REPLACED: readonly (readonly [names: string, advice: string])[] = [
  ['disableTouch', 'touch is always on; touchAfter limits how often one is sent'],
  ['disableTTL', 'ttl: null keeps sessions whose cookie has no expiry for ever'],
  ['serializer stringify serialize unserialize', 'sessions are stored as JSON'],
  ['crypto secret encryptionKey', 'use the option encryption'],
  ['scanCount', 'listing reads in batches of a fixed size'],
  ['autoRemove clearExpired', 'use cleanupInterval (milliseconds, or null for none)'],
  ['autoRemoveInterval pruneSessionInterval checkPeriod', 'use cleanupInterval (milliseconds)'],
  ['checkExpirationInterval clearInterval reapInterval', 'use cleanupInterval (milliseconds)'],
  ['reapAsync', 'cleaning up never blocks; use cleanupInterval (milliseconds)'],
  ['expiration defaultExpirationTime', 'use ttl (milliseconds)'],
  ['createDatabaseTable createTableIfMissing createtable', 'use createTable'],
  ['tableName tablename', 'use table'],
  ['schemaName', 'use schema'],
  ['collectionName', 'use collection'],
  ['mongoUrl conString', 'use url'],
  ['clientPromise', 'use client'],
  ['mongooseConnection', 'use client: mongoose.connection.getClient()'],
  ['conObject', 'use pool: new pg.Pool({ … })'],
  ['pgPromise', 'use pool: a pg.Pool'],
  ['errorLog logFn', 'use log'],
  ['max', 'use maxEntries'],
]

/**
 * Throws `DATABANK_INVALID_OPTION` for an option that is unknown or breaks its rule. The message describes valid values.
 * An option that is undefined counts as not given, except for those in `needed`.
 *
 * @param owner the name in messages of the object with the options
 * @param alsoKnown names of options that are checked elsewhere: an unknown option may be a misspelt one of these
 * @param needed options that may not be given as undefined: `client: undefined` is a client that does not exist yet
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
    if (value === undefined && (rule === undefined || !needed.includes(name))) continue
    if (rule === undefined) {
      if (alsoKnown.includes(name)) throw invalidOption(`${owner}: ${name} is an option of the store, and cannot be given here`)
      const known = [...Object.keys(ruleOf), ...alsoKnown]
      throw invalidOption(`${owner}: unknown option ${JSON.stringify(name)}; ${advice(name, known)}`)
    }
    if (!rule.accepts(value)) throw invalidOption(`${owner}: ${name} must be ${rule.expected}, got ${describe(value)}`)
  }
}

const NEEDED: readonly string[] = ['client', 'pool']

function advice(name: string, known: readonly string[]): string {
  const replacement = REPLACED.find(([names]) => names.split(' ').includes(name))?.[1]
  if (replacement !== undefined) return replacement
  const nearest = nearestOf(name, known)
  return nearest === undefined ? `expected ${known.join(', ')}` : `did you mean ${nearest}?`
}

/** The nearest known name, if it is near enough. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.ceil(name.length / 3))
  const distances = known.map((each) => [each, editDistance(name.toLowerCase(), each.toLowerCase(), limit)] as const)
  const [nearest] = distances.filter(([, distance]) => distance <= limit).sort(([, first], [, second]) => first - second)
  return nearest?.[0]
}

/** Levenshtein distance; more than `limit` if it is more. */
function editDistance(from: string, to: string, limit: number): number {
  if (limit < 0 || from === '' || to === '') return Math.max(from.length, to.length)
  const [left, right] = [from.slice(1), to.slice(1)]
  if (from[0] === to[0]) return editDistance(left, right, limit)
  const rest = limit - 1
  return 1 + Math.min(editDistance(from, right, rest), editDistance(left, to, rest), editDistance(left, right, rest))
}

/** @throws DATABANK_INVALID_OPTION */
export function checkIsObject(owner: string, options: unknown): void {
  if (isObject(options) && !Array.isArray(options)) return
  throw invalidOption(`${owner}: options must be an object, got ${describe(options)}`)
}

/** Describes a wrong value without showing a possible secret. */
function describe(value: unknown): string {
  if (value == null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
