import type { Bank } from './bank.ts'
import { invalidOption } from './errors.ts'
import type { Logger } from './journal.ts'
import type { Merge } from './merge.ts'
import { checkIsObject, checkOptions, type OptionRules, orNull, rules, withMethods } from './options.ts'

/** The options of every store. All times are in milliseconds. */
export interface StoreOptions {
  /** Where the sessions are kept. */
  bank: Bank
  /** How long a session lives whose cookie says nothing (a browser-session cookie); null: for ever. Default: a day, 86 400 000. */
  ttl?: number | null
  /** A touch that would move the death by less is not sent. Default: 0, every touch is sent. */
  touchAfter?: number
  /** An operation that has no answer by then fails with DATABANK_TIMEOUT. Work on all sessions gets twelve times as long. Default: 5 000. */
  timeout?: number
  /** Between two clean-ups of expired sessions; null: none. Default: ten minutes, 600 000. */
  cleanupInterval?: number | null
  /** Joins two versions of one session that parallel requests made. Default: by top-level key, ours where both changed the same. */
  merge?: Merge
  /** A bunyan or pino logger, or console. Default: none. */
  log?: Logger
}

const storeRules: OptionRules<Omit<StoreOptions, 'bank'>> = {
  ttl: orNull(rules.positiveMilliseconds),
  touchAfter: rules.milliseconds,
  timeout: rules.positiveMilliseconds,
  cleanupInterval: orNull(rules.positiveMilliseconds),
  merge: rules.function,
  log: withMethods('a bunyan or pino logger or console', 'debug', 'info', 'warn', 'error'),
}

const bankRule = withMethods('a bank', 'read', 'save', 'delete')

/** @throws DATABANK_INVALID_OPTION */
export function checkStoreOptions(options: StoreOptions): void {
  checkOptions('DatabankStore', { bank: bankRule, ...storeRules }, options)
  if (options.bank === undefined) throw invalidOption(`DatabankStore: bank is missing; expected ${bankRule.expected}`)
}

const defaults = { ttl: 86_400_000, touchAfter: 0, timeout: 5_000, cleanupInterval: 600_000 }

/** The options, with the defaults where one is missing or undefined. */
export function withDefaults(options: StoreOptions) {
  return {
    bank: options.bank,
    log: options.log,
    merge: options.merge,
    ttl: options.ttl === undefined ? defaults.ttl : options.ttl,
    touchAfter: options.touchAfter ?? defaults.touchAfter,
    timeout: options.timeout ?? defaults.timeout,
    cleanupInterval: options.cleanupInterval === undefined ? defaults.cleanupInterval : options.cleanupInterval,
  }
}

/**
 * Parts what a ready store of a backend was given: the store's own options, and all others, which are the bank's to check.
 *
 * @throws DATABANK_INVALID_OPTION if this is no object
 */
export function splitOptions<Options extends object>(
  options: Options,
): { storeOptions: Omit<StoreOptions, 'bank'>; bankOptions: Omit<Options, keyof StoreOptions> } {
  checkIsObject('the store', options)
  const entries = Object.entries(options)
  const isStores = ([name]: [string, unknown]): boolean => Object.hasOwn(storeRules, name)
  return {
    storeOptions: Object.fromEntries(entries.filter(isStores)),
    bankOptions: Object.fromEntries(entries.filter((entry) => !isStores(entry))) as Omit<Options, keyof StoreOptions>,
  }
}
