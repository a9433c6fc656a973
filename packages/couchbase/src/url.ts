import { invalidOption } from 'connect-databank'

/** What a URL names; all but the address may be missing. */
export interface Named {
  /** The address for the SDK: without the rest. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  readonly bucket?: string
  readonly scope?: string
  readonly collection?: string
}

/**
 * Parts `couchbase://user:password@host/bucket/scope/collection?options-of-the-sdk`. By hand: it may name several hosts, which
 * `URL` refuses.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function parts(url: string): Named {
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
