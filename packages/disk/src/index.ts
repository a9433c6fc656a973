import { type Bank, DatabankStore, invalidOption, type StoreOptions, splitOptions } from 'connect-databank'
import { DiskBank, type DiskBankOptions } from './bank.ts'

export { DiskBank, type DiskBankOptions }

/**
 * Express sessions in files, for all processes of one machine.
 *
 * ```js
 * app.use(session({ store: new DiskStore({ path: './sessions' }), secret, resave: false, saveUninitialized: false }))
 * ```
 *
 * Takes the options of `DiskBank` and those of `DatabankStore`. Files that are passed over are told to `log`.
 */
export class DiskStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: DiskBankOptions & Omit<StoreOptions, 'bank'>) {
    const { storeOptions, bankOptions } = splitOptions(options)
    const { log } = storeOptions
    const onSkip = (path: string, reason: string): void => {
      // Fields first for bunyan and pino, words first for console.
      if (log?.child === undefined) log?.warn('session file passed over', { path, reason })
      else log.warn({ path, reason }, 'session file passed over')
    }
    super({ ...storeOptions, bank: new DiskBank({ onSkip, ...bankOptions }) })
  }
}

/**
 * `disk:./sessions`, `disk:/var/lib/app/sessions`, `disk:///var/lib/app/sessions`; `?durable=true` after any. What means
 * something in a URL (`?`, `#`, `%`) is written as `%3F`, `%23`, `%25`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: Partial<DiskBankOptions> = {}): Bank {
  const { protocol, host, pathname, searchParams } = new URL(url)
  if (protocol !== 'disk:' || host !== '') {
    throw invalidOption('expected disk: and a path, such as disk:./sessions or disk:/var/lib/app/sessions')
  }
  const fromUrl: Record<string, unknown> = Object.fromEntries(searchParams)
  if ('durable' in fromUrl) fromUrl['durable'] = { true: true, false: false }[String(fromUrl['durable'])] ?? fromUrl['durable']
  return new DiskBank({ ...fromUrl, path: pathOf(pathname), ...options })
}

function pathOf(pathname: string): string {
  try {
    // Windows: disk:///C:/sessions
    return decodeURIComponent(pathname).replace(/^\/(?=[a-z]:)/i, '')
  } catch {
    throw invalidOption('the path in the disk: URL has a % that is not followed by two digits: write it as %25')
  }
}
