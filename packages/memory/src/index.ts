import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, splitOptions } from 'connect-databank/backend'
import { MemoryBank } from './bank.ts'
import { type MemoryBankOptions, optionsOfUrl } from './options.ts'

export { MemoryBank, type MemoryBankOptions }

export type MemoryStoreOptions = MemoryBankOptions & Omit<StoreOptions, 'bank'>

/**
 * Express sessions in the memory of this process. Each store has sessions of its own.
 *
 * ```js
 * app.use(session({ store: new MemoryStore({ maxEntries: 100_000 }), secret, resave: false, saveUninitialized: false }))
 * ```
 */
export class MemoryStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MemoryStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: () => new MemoryBank(bankOptions) })
  }
}

/**
 * `memory:`, with options as query parameters: `memory:?maxEntries=100000&maxBytes=200000000`. `options` win over the URL.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: MemoryBankOptions = {}): Bank {
  return new MemoryBank({ ...optionsOfUrl(url), ...options })
}
