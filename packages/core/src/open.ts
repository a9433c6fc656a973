import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BackendModule, Bank } from './bank.ts'
import { DatabankError, invalidOption } from './errors.ts'
import { DatabankStore } from './store.ts'
import { type StoreOptions, splitOptions } from './store-options.ts'

/** Which package serves which URLs. */
const packageOf: Readonly<Record<string, string>> = {
  memory: '@connect-databank/memory',
  disk: '@connect-databank/disk',
  redis: '@connect-databank/redis',
  rediss: '@connect-databank/redis',
  mongodb: '@connect-databank/mongodb',
  'mongodb+srv': '@connect-databank/mongodb',
  couchbase: '@connect-databank/couchbase',
  couchbases: '@connect-databank/couchbase',
  lmdb: '@connect-databank/lmdb',
}

export interface OpenOptions {
  /**
   * Modules that serve further schemes, by scheme: `{ 'firestore': () => import('./firestore.js') }`. What such a module must
   * export is `BackendModule`. They win over the known ones.
   */
  schemes?: Readonly<Record<string, () => Promise<BackendModule>>>
}

/**
 * The bank that a URL names: `memory:`, `disk:./sessions`, `redis://…`, `rediss://…`, `mongodb://…`, `mongodb+srv://…`,
 * `couchbase://…`, `couchbases://…`, `lmdb:./sessions.mdb`. Imports the package that serves the scheme; does not connect.
 * All other options are the bank's own.
 *
 * @throws DATABANK_UNKNOWN_SCHEME, DATABANK_MISSING_PACKAGE, DATABANK_INVALID_OPTION
 */
export async function openBank(url: string, { schemes, ...options }: OpenOptions & Record<string, unknown> = {}): Promise<Bank> {
  const scheme = schemeOf(url)
  const module = await moduleOf(scheme, schemes)
  if (typeof module.openBank !== 'function') {
    throw invalidOption(`the module that serves ${scheme}: exports no function openBank(url, options)`)
  }
  return module.openBank(url, options)
}

/**
 * The store that a URL names: `app.use(session({ store: await openStore(process.env.SESSION_URL), … }))`. Takes the options of
 * `DatabankStore`, `schemes`, and those of the bank. It connects at the first request; `await store.open()` to connect now.
 *
 * @throws as `openBank`
 */
export async function openStore(
  url: string,
  options: Omit<StoreOptions, 'bank'> & OpenOptions & Record<string, unknown> = {},
): Promise<DatabankStore> {
  const { storeOptions, bankOptions } = splitOptions(options)
  return new DatabankStore({ ...storeOptions, bank: await openBank(url, bankOptions) })
}

function schemeOf(url: unknown): string {
  const scheme = typeof url === 'string' ? /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] : undefined
  // The URL may hold a password: it is not shown.
  if (scheme === undefined) throw invalidOption('expected a URL such as disk:./sessions or redis://localhost')
  return scheme.toLowerCase()
}

async function moduleOf(scheme: string, schemes: OpenOptions['schemes'] = {}): Promise<BackendModule> {
  const own = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined
  if (own !== undefined) return own()
  const name = Object.hasOwn(packageOf, scheme) ? packageOf[scheme] : undefined
  if (name !== undefined) return importInstalled(name)
  const known = [...new Set([...Object.keys(schemes), ...Object.keys(packageOf)])].map((each) => `${each}:`).join(', ')
  throw new DatabankError('DATABANK_UNKNOWN_SCHEME', `nothing serves ${scheme}: URLs; known are ${known}`)
}

/** From our place or, where packages are kept strictly apart, from the application's. */
async function importInstalled(name: string): Promise<BackendModule> {
  try {
    return await import(name)
  } catch (error) {
    if (!isMissing(error, name)) throw error
  }
  try {
    const path = createRequire(join(process.cwd(), 'index.js')).resolve(name)
    return await import(pathToFileURL(path).href)
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `${name} is not installed: npm install ${name}`, { cause })
  }
}

/** Whether it is this package that is missing, not one that it wants itself. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message?.includes(`'${name}'`) === true
}
