import { type Bank, DatabankStore, invalidOption, type StoreOptions, splitOptions } from 'connect-databank'
import { CouchbaseBank } from './bank.ts'
import type { CouchbaseBankOptions } from './options.ts'

export type { CouchbaseCluster, CouchbaseCollection } from './client.ts'
export { CouchbaseBank, type CouchbaseBankOptions }

/**
 * A session store for Express in Couchbase.
 *
 * @example
 * const store = new CouchbaseStore({ url: 'couchbase://127.0.0.1', username, password, bucket: 'sessions' })
 * app.use(session({ store, secret, resave: false, saveUninitialized: false }))
 */
export class CouchbaseStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: CouchbaseBankOptions & Omit<StoreOptions, 'bank'> = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: new CouchbaseBank(bankOptions) })
  }
}

/**
 * The bank that a URL names: `couchbase://user:password@host/bucket/scope/collection`, or `couchbases://…` for TLS. What it does
 * not name has its default. What stands behind `?` goes to the SDK.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: CouchbaseBankOptions = {}): Bank {
  return new CouchbaseBank({ ...optionsIn(url), ...options })
}

/** By hand: a URL of Couchbase may name several hosts, which `URL` refuses. */
function optionsIn(url: string): CouchbaseBankOptions {
  const [, scheme, login, hosts, path = '', query = ''] =
    /^(couchbases?:\/\/)(?:([^@/?]*)@)?([^@/?]+)(\/[^?]*)?(\?.*)?$/i.exec(url) ?? []
  // The URL may hold a password: it is not shown.
  if (scheme === undefined) throw invalidOption('CouchbaseBank: expected couchbase://user:password@host/bucket')
  try {
    const [username, password] = (login ?? '').split(/:(.*)/s).map(decodeURIComponent)
    const [bucket, scope, collection, ...rest] = path.split('/').slice(1).map(decodeURIComponent)
    if (rest.length > 0) throw invalidOption('CouchbaseBank: the path of the URL is bucket/scope/collection')
    const named = { username, password, bucket, scope, collection }
    const given = Object.entries(named).filter(([, value]) => value !== undefined && value !== '')
    return { url: `${scheme.toLowerCase()}${hosts}${query}`, ...Object.fromEntries(given) }
  } catch (error) {
    if (error instanceof URIError) throw invalidOption('CouchbaseBank: the URL is not percent-encoded rightly')
    throw error
  }
}
