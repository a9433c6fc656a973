import { type Bank, DatabankStore, invalidOption, type StoreOptions, splitOptions } from 'connect-databank'
import { LmdbBank, type LmdbBankOptions } from './bank.ts'

export { LmdbBank, type LmdbBankOptions }

/**
 * A session store for Express in LMDB: one file, shared by all processes of a machine.
 *
 * @example
 * app.use(session({ store: new LmdbStore({ path: './sessions.mdb' }), secret, resave: false, saveUninitialized: false }))
 */
export class LmdbStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: LmdbBankOptions & Omit<StoreOptions, 'bank'>) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: new LmdbBank(bankOptions) })
  }
}

/**
 * The bank that a URL names: `lmdb:./sessions.mdb`, `lmdb:/var/lib/app/sessions.mdb`, with `?durable=true` and
 * `?maxSize=1000000000` if wanted. Characters that a URL cannot hold are percent-encoded.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: Partial<LmdbBankOptions> = {}): Bank {
  const [, encoded = '', query = ''] = /^lmdb:(?:\/\/)?([^?#]*)(?:\?([^#]*))?/i.exec(url) ?? []
  return new LmdbBank({ ...pathIn(encoded), ...optionsIn(query), ...options } as LmdbBankOptions)
}

function pathIn(encoded: string): Partial<LmdbBankOptions> {
  try {
    return encoded === '' ? {} : { path: decodeURIComponent(encoded) }
  } catch {
    throw invalidOption('LmdbBank: the path in the URL is not percent-encoded rightly')
  }
}

function optionsIn(query: string): Record<string, unknown> {
  const read: Record<string, (text: string) => unknown> = {
    durable: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    maxSize: Number,
  }
  return Object.fromEntries([...new URLSearchParams(query)].map(([name, text]) => [name, read[name]?.(text) ?? text]))
}
