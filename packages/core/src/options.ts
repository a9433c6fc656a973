import type { SessionData } from 'express-session'
import { checkIsObject, checkOptions, STORE_OPTIONS, storeRules, withMethods } from './backend/options.ts'
import type { Bank, BankContext } from './bank.ts'
import { invalidOption } from './errors.ts'
import { checkEncryption, type EncryptionOptions } from './layers/encryption.ts'
import type { Logger } from './log.ts'
import type { Merge } from './merge.ts'

/** The options of every store. All times are in milliseconds. */
export interface StoreOptions {
  /** Where the sessions are stored: a bank, or a function that makes one with the store's `timeout` and log. */
  bank: Bank | ((context: BankContext) => Bank)
  /** The lifetime of a session whose cookie has no expiry (a browser-session cookie); null: for ever. Default: a day, 86 400 000. */
  ttl?: number | null
  /**
   * A touch that extends the expiry by less is not sent, unless half of the session's lifetime has passed. Default: 0, every touch
   * is sent.
   */
  touchAfter?: number
  /**
   * An operation without an answer by then fails with DATABANK_TIMEOUT. An operation of the database on all sessions may take twelve
   * times as long. Default: 5 000.
   */
  timeout?: number
  /** The time between two clean-ups of expired sessions; null: none. Default: ten minutes, 600 000. */
  cleanupInterval?: number | null
  /** Merges two versions of one session that parallel requests made. Default: by top-level key, ours where both changed the same one. */
  merge?: Merge
  /** A bunyan, pino or winston logger, or console. Default: none. */
  log?: Logger
  /** The owner of a session: a text or number of at most 1,024 bytes, or null. Needed by `sessionsOf` and `destroySessionsOf`. */
  owner?: (session: SessionData) => string | number | null | undefined
  /** How many sessions an owner may have. When one more is saved, the oldest are ended. Needs `owner`. Default: no limit. */
  maxSessionsPerOwner?: number
  /** A session expires at the latest this long after it was created, whatever touches and saves do. Default: null, no limit. */
  absoluteTimeout?: number | null
  /** Encrypts stored sessions with AES-256-GCM. Default: none. */
  encryption?: EncryptionOptions
  /**
   * Stores sessions under the SHA-256 of their id, so that a copy of the database gives no usable id. `acceptPlain`: a session that is
   * stored under its id is moved when it is first read. Default: false.
   */
  hashIds?: boolean | { acceptPlain?: boolean }
}

type CommonOptions = Omit<StoreOptions, 'bank'>

const bankRule = {
  expected: 'a bank (with read, save, delete), or a function that makes one',
  accepts: (value: unknown) => typeof value === 'function' || withMethods('a bank', 'read', 'save', 'delete').accepts(value),
}

/** @throws DATABANK_INVALID_OPTION */
export function checkStoreOptions(options: StoreOptions): void {
  checkOptions('DatabankStore', { bank: bankRule, ...storeRules }, options, { alsoKnown: [] })
  if (options.bank === undefined) throw invalidOption(`DatabankStore: bank is missing; expected ${bankRule.expected}`)
  if (options.maxSessionsPerOwner !== undefined && options.owner === undefined) {
    throw invalidOption('DatabankStore: maxSessionsPerOwner needs the option owner')
  }
  if (options.encryption !== undefined) checkEncryption(options.encryption)
  warnOfSeconds('ttl', options.ttl)
  warnOfSeconds('absoluteTimeout', options.absoluteTimeout)
}

/** The options, with the default where one is missing or undefined. */
export function withDefaults({
  ttl = 86_400_000,
  touchAfter = 0,
  timeout = 5_000,
  cleanupInterval = 600_000,
  absoluteTimeout = null,
  ...others
}: StoreOptions) {
  return { ...others, ttl, touchAfter, timeout, cleanupInterval, absoluteTimeout }
}

/**
 * Splits the options of a backend's store into the store's own and the bank's, which the bank checks.
 *
 * @throws DATABANK_INVALID_OPTION if this is no object
 */
export function splitOptions<Options extends object>(
  options: Options,
): { storeOptions: CommonOptions; bankOptions: Omit<Options, keyof StoreOptions> } {
  checkIsObject('the store', options)
  const entries = Object.entries(options)
  const isStores = ([name]: [string, unknown]): boolean => STORE_OPTIONS.includes(name)
  return {
    storeOptions: Object.fromEntries(entries.filter(isStores)),
    bankOptions: Object.fromEntries(entries.filter((entry) => !isStores(entry))) as Omit<Options, keyof StoreOptions>,
  }
}

const DAY_IN_SECONDS = 86_400
const warned = new Set<string>()

/** Other stores count in seconds. A value that is an hour or whole days in seconds is probably not meant in milliseconds. */
function warnOfSeconds(name: string, value: number | null | undefined): void {
  if (typeof value !== 'number') return
  const looksLikeSeconds =
    [1_800, 3_600, 7_200].includes(value) || (value % DAY_IN_SECONDS === 0 && value <= 400 * DAY_IN_SECONDS)
  // Whole days in milliseconds are multiples of the same number.
  if (!looksLikeSeconds || value % 3_600_000 === 0 || warned.has(name)) return
  warned.add(name)
  process.emitWarning(`connect-databank: ${name} is ${value} milliseconds; if seconds are meant, it is ${value * 1000}`, {
    code: 'DATABANK_OPTION_IN_SECONDS',
  })
}
