// The types of the module as it is at run time: the function of 1.x, with every export as a property. The compiler cannot write this
// from src/index.ts, which it sees as an ES module. A test compares the names.
import type { storeClassFor } from './dist/databank/legacy-store.js'
import {
  type BackendModule,
  type Bank,
  type BankContext,
  type Callback,
  type Databank,
  DatabankError,
  DatabankStore,
  type DatabankStoreClass,
  type EncryptionOptions,
  type Entry,
  type ErrorCode,
  type EventMessage,
  fromDatabank,
  type Layer,
  type Logger,
  type Merge,
  type OpenOptions,
  type OperationMessage,
  openBank,
  openStore,
  type Stored,
  type StoreEvents,
  type StoreOptions,
  type Touch,
} from './dist/index.js'

/** `require('connect-databank')(session)`: the store class of 1.x. */
declare function databankStore(session: Parameters<typeof storeClassFor>[0]): DatabankStoreClass

declare namespace databankStore {
  export {
    type BackendModule,
    type Bank,
    type BankContext,
    type Callback,
    type Databank,
    DatabankError,
    DatabankStore,
    type DatabankStoreClass,
    type EncryptionOptions,
    type Entry,
    type ErrorCode,
    type EventMessage,
    fromDatabank,
    type Layer,
    type Logger,
    type Merge,
    type OpenOptions,
    type OperationMessage,
    openBank,
    openStore,
    type Stored,
    type StoreEvents,
    type StoreOptions,
    type Touch,
  }
}

export = databankStore
