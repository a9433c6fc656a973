import { isAlive } from './bank.ts'
import { Batches } from './batches.ts'
import { fromDatabank } from './databank.ts'
import { newEntry } from './entry.ts'
import { coded, DatabankError, invalidOption, isCoded } from './errors.ts'
import { expiresOf } from './expiry.ts'
import { coalesce } from './layers/coalesce.ts'
import { storeClassFor } from './legacy.ts'
import { openBank, openStore } from './open.ts'
import { checkOptions, oneOf, orNull, rules, withMethods } from './options.ts'
import { Recent } from './recent.ts'
import { DatabankStore } from './store.ts'
import { splitOptions } from './store-options.ts'
import { TransientMap } from './transient-map.ts'
import { UnderWay } from './under-way.ts'

export type { BackendModule, Bank, Entry, Layer } from './bank.ts'
export type { Databank } from './databank.ts'
export type { ErrorCode } from './errors.ts'
export type { Logger } from './journal.ts'
export type { DatabankStoreClass } from './legacy.ts'
export type { Merge } from './merge.ts'
export type { OpenOptions } from './open.ts'
export type { OptionRule, OptionRules } from './options.ts'
export type { Callback } from './settle.ts'
export type { StoreOptions } from './store-options.ts'

const named = {
  Batches,
  checkOptions,
  coalesce,
  coded,
  DatabankError,
  DatabankStore,
  expiresOf,
  fromDatabank,
  invalidOption,
  isAlive,
  isCoded,
  newEntry,
  oneOf,
  openBank,
  openStore,
  orNull,
  Recent,
  rules,
  splitOptions,
  TransientMap,
  UnderWay,
  withMethods,
}

/** `require('connect-databank')(session)`: the store class as 1.x gave it. Carries every named export for CommonJS. */
const connectDatabank: typeof storeClassFor & typeof named = Object.assign(
  (module: Parameters<typeof storeClassFor>[0]) => storeClassFor(module),
  named,
)

export {
  Batches,
  checkOptions,
  coalesce,
  coded,
  connectDatabank as default,
  connectDatabank as 'module.exports',
  DatabankError,
  DatabankStore,
  expiresOf,
  fromDatabank,
  invalidOption,
  isAlive,
  isCoded,
  newEntry,
  oneOf,
  openBank,
  openStore,
  orNull,
  Recent,
  rules,
  splitOptions,
  TransientMap,
  UnderWay,
  withMethods,
}
