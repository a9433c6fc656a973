import type { BankContext } from '../bank.ts'

/** The context of a bank that is made without a store. */
export const DEFAULT_CONTEXT: BankContext = {
  timeout: 5_000,
  warn: (message) => process.emitWarning(message, { code: 'DATABANK_WARNING' }),
}
