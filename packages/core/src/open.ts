import { createRequire } from 'node:module'
import { join } from 'node:path'
import { DEFAULT_CONTEXT } from './backend/context.ts'
import { checkIsObject } from './backend/options.ts'
import type { BackendModule, Bank, BankContext } from './bank.ts'
import { DatabankError, invalidOption } from './errors.ts'
import { type StoreOptions, splitOptions } from './options.ts'
import { DatabankStore } from './store.ts'

/** Which package serves which URLs. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@connect-databank/memory': ['memory'],
  '@connect-databank/disk': ['disk'],
  '@connect-databank/sqlite': ['sqlite'],
  '@connect-databank/redis': ['redis', 'rediss', 'valkey', 'valkeys'],
  '@connect-databank/postgres': ['postgres', 'postgresql'],
  '@connect-databank/mysql': ['mysql', 'mariadb'],
  '@connect-databank/mongodb': ['mongodb', 'mongodb+srv'],
  '@connect-databank/couchbase': ['couchbase', 'couchbases'],
}

export interface OpenOptions {
  /**
   * Modules that serve further schemes, by scheme: `{ firestore: () => import('./firestore.js') }`. Each exports what
   * `BackendModule` says. They win over the known ones. In a bundle, or with Yarn Plug'n'Play, they name the known ones too:
   * `{ redis: () => import('@connect-databank/redis') }`.
   */
  schemes?: Readonly<Record<string, () => Promise<BackendModule>>>
}

/** The type itself, where TypeScript must not infer it: a misspelt option does not compile. */
type Exactly<T> = [T][T extends unknown ? 0 : never]

/**
 * Makes the bank that a URL names, without connecting: `memory:`, `disk:./sessions`, `sqlite:./sessions.db`, `redis://…`,
 * `postgres://…`, `mysql://…`, `mongodb://…`, `couchbase://…` and their variants. Imports the package that serves the scheme.
 *
 * @param options `schemes`, and the bank's own options: `openBank<RedisBankOptions>(url, { prefix: 'app:' })`
 * @throws DATABANK_UNKNOWN_SCHEME, DATABANK_MISSING_PACKAGE, DATABANK_INVALID_OPTION
 */
export async function openBank<BankOptions extends object = object>(
  url: string,
  options: OpenOptions & Exactly<BankOptions> = {} as OpenOptions & Exactly<BankOptions>,
  context: BankContext = DEFAULT_CONTEXT,
): Promise<Bank> {
  checkIsObject('openBank', options)
  const { schemes, ...bankOptions } = options
  const module = await moduleOf(url, schemes)
  return module.openBank(url, bankOptions as Record<string, unknown>, context)
}

/**
 * Makes the store that a URL names: `app.use(session({ store: await openStore(process.env.SESSION_URL), … }))`. It connects at the
 * first request; `await store.open()` connects now.
 *
 * @param options the store's options, `schemes`, and the bank's own: `openStore<RedisBankOptions>(url, { prefix: 'app:', touchAfter: 60_000 })`
 * @throws as `openBank`
 */
export async function openStore<BankOptions extends object = object>(
  url: string,
  options: Omit<StoreOptions, 'bank'> & OpenOptions & Exactly<BankOptions> = {} as OpenOptions & Exactly<BankOptions>,
): Promise<DatabankStore> {
  const { storeOptions, bankOptions: others } = splitOptions(options)
  const { schemes, ...bankOptions } = others
  const module = await moduleOf(url, schemes)
  return new DatabankStore({ ...storeOptions, bank: (context) => module.openBank(url, bankOptions, context) })
}

/**
 * The package that serves a URL, such as `@connect-databank/redis`; undefined if none of these packages does.
 *
 * @throws DATABANK_INVALID_OPTION if it is no URL
 */
export function packageOf(url: string): string | undefined {
  const scheme = schemeOf(url)
  return Object.keys(PACKAGES).find((name) => PACKAGES[name]!.includes(scheme))
}

function schemeOf(url: unknown): string {
  const scheme = typeof url === 'string' ? /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] : undefined
  // The URL may hold a password: it is not shown.
  if (scheme === undefined) throw invalidOption('expected a URL such as disk:./sessions or redis://localhost')
  return scheme.toLowerCase()
}

async function moduleOf(url: string, schemes: OpenOptions['schemes'] = {}): Promise<BackendModule> {
  const scheme = schemeOf(url)
  const name = packageOf(url)
  const added = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined
  const load = added ?? (name && (() => importInstalled(scheme, name)))
  if (!load) throw unknownScheme(scheme, Object.keys(schemes))
  const module = await load()
  if (typeof module?.openBank !== 'function') {
    throw invalidOption(`the module that serves ${scheme}: exports no function openBank(url, options, context)`)
  }
  return module
}

function unknownScheme(scheme: string, added: readonly string[]): DatabankError {
  const known = [...new Set([...added, ...Object.values(PACKAGES).flat()])].map((each) => `${each}:`).join(', ')
  const message =
    scheme === 'lmdb'
      ? 'the LMDB backend was removed; use sqlite:./sessions.db, which is as fast'
      : `no package serves ${scheme}: URLs; known are ${known}; others are added with the option schemes`
  return new DatabankError('DATABANK_UNKNOWN_SCHEME', message)
}

/** Resolved from this package or, for package managers that isolate packages, from the application. */
async function importInstalled(scheme: string, name: string): Promise<BackendModule> {
  try {
    return await import(name)
  } catch (error) {
    if (!isMissing(error, name)) throw error
  }
  try {
    const path = createRequire(join(process.cwd(), 'index.js')).resolve(name)
    return await import(path)
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause
    const advice = `In a bundle, or with Yarn Plug'n'Play, pass schemes: { ${scheme}: () => import('${name}') }`
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `${name} is not installed: npm install ${name}. ${advice}`, { cause })
  }
}

/** Whether this package is missing, and not one of its dependencies. */
function isMissing(error: unknown, name: string): boolean {
  const { code, pnpCode, message = '' } = error as { code?: string; pnpCode?: string; message?: string }
  if (pnpCode !== undefined) return message.includes(name)
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false
  return /(?:package|module) '([^']+)'/.exec(message)?.[1] === name
}
