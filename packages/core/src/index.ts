import { storeClassFor } from './databank/legacy-store.ts'

export type { BackendModule, Bank, BankContext, Entry, Layer, Stored, Touch } from './bank.ts'
export { type Databank, fromDatabank } from './databank/databank.ts'
export type { DatabankStoreClass } from './databank/legacy-store.ts'
export { DatabankError, type ErrorCode } from './errors.ts'
export type { EncryptionOptions } from './layers/encryption.ts'
export type { Logger, StoreEvents } from './log.ts'
export type { Merge } from './merge.ts'
export { type OpenOptions, openBank, openStore } from './open.ts'
export type { Callback } from './operation.ts'
export type { StoreOptions } from './options.ts'
export { DatabankStore } from './store.ts'
export type { EventMessage, OperationMessage } from './tracing.ts'

/** `require('connect-databank')(session)`: the store class of 1.x. */
function databankStore(session: Parameters<typeof storeClassFor>[0]): ReturnType<typeof storeClassFor> {
  return storeClassFor(session)
}

declare const module: { exports: object } | undefined

// For `require`: the module itself is the function of 1.x, with every export as a property.
if (typeof module === 'object') module.exports = Object.assign(databankStore, module.exports)
