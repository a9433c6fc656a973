import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { DiskBank } from './bank.ts'
import { type DiskBankOptions, optionsOfUrl } from './options.ts'

export { DiskBank, type DiskBankOptions }

export type DiskStoreOptions = DiskBankOptions & Omit<StoreOptions, 'bank'>

/**
 * Express sessions in files, for all processes of one machine.
 *
 * ```js
 * app.use(session({ store: new DiskStore({ path: './sessions' }), secret, resave: false, saveUninitialized: false }))
 * ```
 */
export class DiskStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: DiskStoreOptions) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => new DiskBank(bankOptions, context) })
  }
}

/**
 * `disk:./sessions`, `disk:/var/lib/app/sessions`, `disk:///var/lib/app/sessions`, each with `?durable=true` if needed. `?`, `#` and `%`
 * in a path are written as `%3F`, `%23` and `%25`. `options` win over the URL.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: Partial<DiskBankOptions> = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return new DiskBank({ ...optionsOfUrl(url), ...options }, context)
}
