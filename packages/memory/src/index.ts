import { type Bank, DatabankStore, invalidOption, type StoreOptions, splitOptions } from 'connect-databank'
import { MemoryBank, type MemoryBankOptions } from './bank.ts'

export { MemoryBank, type MemoryBankOptions }

/**
 * Express sessions in the memory of this process.
 *
 * ```js
 * app.use(session({ store: new MemoryStore({ maxEntries: 100_000 }), secret, resave: false, saveUninitialized: false }))
 * ```
 *
 * Takes the options of `MemoryBank` and those of `DatabankStore`. Each store has a place of its own.
 */
export class MemoryStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MemoryBankOptions & Omit<StoreOptions, 'bank'> = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: new MemoryBank(bankOptions) })
  }
}

/**
 * `memory:`, with options as query parameters: `memory:?maxEntries=100000&maxBytes=200000000`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: MemoryBankOptions = {}): Bank {
  const { protocol, host, pathname, searchParams } = new URL(url)
  if (protocol !== 'memory:' || host !== '' || pathname.replaceAll('/', '') !== '') {
    throw invalidOption('expected memory: with nothing but query parameters after it, such as memory:?maxEntries=1000')
  }
  const fromUrl = Object.fromEntries([...searchParams].map(([name, value]) => [name, value === '' ? Number.NaN : Number(value)]))
  return new MemoryBank({ ...fromUrl, ...options })
}
