export { bankChecks } from './bank-checks.ts'
export { type BankSuiteOptions, bankConformance, gradeBank, type OpenedBank } from './bank-suite.ts'
export type { Check, Grade, RunOptions } from './check.ts'
export { Gate } from './gate.ts'
export { type GatedBank, type GatedMethod, gatedBank, type PendingCall } from './gated-bank.ts'
export { ownerInHistories } from './histories/context.ts'
export {
  HistoryError,
  type HistoryOptions,
  type HistoryReport,
  type OpenedForHistories,
  runHistories,
} from './histories/histories.ts'
export type { FaultKind, Plan } from './histories/plan.ts'
export { type HistorySuiteOptions, historyConformance, throwFailure } from './histories/suite.ts'
export { assertKeysApart, type IdSuiteOptions, idConformance, type OpenedForIds } from './id-suite.ts'
export { allHostileIds, hostileIds } from './ids.ts'
export { type LayerSuiteOptions, layerConformance } from './layer-suite.ts'
export { manyIds } from './many-ids.ts'
export { type RecordSuiteOptions, recordConformance } from './record-suite.ts'
export { type BadRecord, badRecords } from './records.ts'
export { ReferenceBank, type ReferenceBankOptions, type Table } from './reference-bank.ts'
export type { AnyStore } from './store/any-store.ts'
export type { StoreSettings } from './store/helpers.ts'
export { storeChecks } from './store-checks.ts'
export { gradeStore, type OpenedStore, type StoreSuiteOptions, storeConformance } from './store-suite.ts'
export type { Runner } from './suite.ts'
