import { checkOptions, invalidOption, type OptionRules, rules } from 'connect-databank/backend'

export interface DiskBankOptions {
  /** The directory of the sessions. It is created if it does not exist. A relative path is resolved when the bank is made. */
  path: string
  /** Whether a write is on the disk itself when it is answered, so that it survives a power failure. Default: false. */
  durable?: boolean
}

const RULES: OptionRules<DiskBankOptions> = { path: rules.nonEmptyString, durable: rules.boolean }

/** @throws DATABANK_INVALID_OPTION */
export function checkDiskOptions(options: DiskBankOptions): void {
  checkOptions('DiskBank', RULES, options)
  if (options.path === undefined) throw invalidOption('DiskBank: path is missing; expected the directory of the sessions')
}

/**
 * The options in a URL such as `disk:./sessions?durable=true`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function optionsOfUrl(url: string): DiskBankOptions {
  const { protocol, host, pathname, searchParams } = new URL(url)
  if (protocol !== 'disk:' || host !== '') {
    throw invalidOption('expected disk: and a path, such as disk:./sessions or disk:/var/lib/app/sessions')
  }
  const options: Record<string, unknown> = Object.fromEntries(searchParams)
  if ('durable' in options) options['durable'] = { true: true, false: false }[String(options['durable'])] ?? options['durable']
  return { ...options, path: pathOf(pathname) }
}

function pathOf(pathname: string): string {
  try {
    // Windows: disk:///C:/sessions
    return decodeURIComponent(pathname).replace(/^\/(?=[a-z]:)/i, '')
  } catch {
    throw invalidOption('the path in the disk: URL has a % that is not followed by two digits: write it as %25')
  }
}
