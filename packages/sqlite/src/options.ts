import { type TableOptions, tableRules } from '@connect-databank/sql'
import { checkOptions, invalidOption, type OptionRules, oneOf, rules } from 'connect-databank/backend'
import { ENGINES, type EngineName } from './engines.ts'

/** The path of a database in memory. Each bank has its own. */
export const MEMORY = ':memory:'

/** The options of the bank. */
export interface SqliteBankOptions extends Omit<TableOptions, 'schema'> {
  /** The file, or `:memory:`. It is created if it is missing, and so are the folders above it. */
  path: string
  /** Whether a write is answered only when it is on disk. Default: false, it is answered when all processes see it. */
  durable?: boolean
  /**
   * Which package runs SQLite. Default: `node:sqlite` where Node.js has it, else `better-sqlite3`. One process must open one file
   * with one engine only.
   */
  engine?: EngineName
}

const { schema, ...sqliteTableRules } = tableRules

const bankRules: OptionRules<SqliteBankOptions> = {
  ...sqliteTableRules,
  path: {
    expected: 'the path of a file, or :memory:',
    accepts: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
  },
  durable: rules.boolean,
  engine: oneOf(...ENGINES),
}

/** @throws DATABANK_INVALID_OPTION */
export function checkBankOptions(options: SqliteBankOptions): void {
  checkOptions('SqliteBank', bankRules, options, { needed: ['path'] })
  if (options.path === undefined) throw invalidOption(`SqliteBank: path is missing; expected ${bankRules.path.expected}`)
}

/**
 * The options in a URL: `sqlite:./sessions.db`, `sqlite:/var/lib/app/sessions.db`, `sqlite::memory:`, with options as query
 * parameters: `sqlite:./sessions.db?durable=true`. In a path, `?`, `#` and `%` are written as `%3F`, `%23` and `%25`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function optionsOfUrl(url: string): SqliteBankOptions {
  const { protocol, host, pathname, searchParams } = new URL(url)
  if (protocol !== 'sqlite:' || host !== '') {
    throw invalidOption('expected sqlite: and a path, such as sqlite:./sessions.db or sqlite:/var/lib/app/sessions.db')
  }
  const parameters = [...searchParams].map(([name, text]) => [name, PARSERS[name]?.(text) ?? text])
  return { ...Object.fromEntries(parameters), path: pathOf(pathname) }
}

const toBoolean = (text: string): boolean | undefined => ({ true: true, false: false })[text]
const toNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)
const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  durable: toBoolean,
  createTable: toBoolean,
  maxPending: toNumber,
}

function pathOf(pathname: string): string {
  try {
    // Windows: sqlite:///C:/sessions.db
    return decodeURIComponent(pathname).replace(/^\/(?=[a-z]:)/i, '')
  } catch {
    throw invalidOption('the path in the sqlite: URL has a % that is not followed by two digits: write it as %25')
  }
}
