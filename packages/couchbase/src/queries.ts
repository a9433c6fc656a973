import { DatabankError } from 'connect-databank/backend'
import type { Connected } from './connection.ts'
import { cannotQuery, couchbaseError } from './errors.ts'

/** How many keys one query returns. */
const PAGE_SIZE = 500

/** What is listed: the ids of all documents of the bank, or those of an owner that are unexpired at `now`. */
export interface Listing {
  readonly prefix: string
  readonly owned?: { readonly owner: string; readonly now: number }
  /** How long one query may take, its wait for the index included, in milliseconds. */
  readonly timeout: number
}

/**
 * Lists ids by SQL++, in pages. Each begins behind the last key of the one before.
 *
 * @throws DATABANK_NOT_SUPPORTED if there is no query service, or no index that it can use
 */
export async function* listIds(connected: Connected, { prefix, owned, timeout }: Listing): AsyncGenerator<readonly string[]> {
  const { scope, name } = connected.collection
  const keyspace = [scope.bucket.name, scope.name, name].map((part) => `\`${part.replaceAll('`', '``')}\``).join('.')
  const ofOwner = ' AND d.databank.owner = $4 AND (d.databank.expires IS NULL OR d.databank.expires > $5)'
  const statement =
    `SELECT RAW META(d).id FROM ${keyspace} AS d ` +
    `WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3${owned === undefined ? '' : ofOwner} ` +
    `ORDER BY META(d).id LIMIT ${PAGE_SIZE}`
  const ownedParameters = owned === undefined ? [] : [owned.owner, owned.now]
  for (let after = ''; ; ) {
    const keys = await query(connected, statement, [prefix, `${prefix}\u{10ffff}`, after, ...ownedParameters], timeout)
    yield keys.map((key) => key.slice(prefix.length)).filter((id) => id !== '')
    if (keys.length < PAGE_SIZE) return
    after = keys.at(-1)!
  }
}

/**
 * The version of the server, such as `7.6.2-3721-enterprise`; undefined if no query service says it.
 *
 * @param timeout in milliseconds
 */
export async function serverVersion({ collection }: Connected, timeout: number): Promise<string | undefined> {
  try {
    const { rows } = await collection.scope.bucket.cluster.query('SELECT RAW DS_VERSION()', { timeout })
    return typeof rows[0] === 'string' ? rows[0] : undefined
  } catch {
    return undefined
  }
}

async function query(
  { collection, sdk }: Connected,
  statement: string,
  parameters: unknown[],
  timeout: number,
): Promise<readonly string[]> {
  try {
    // The index follows the writes at a distance. It first catches up with all that were answered before.
    const options = { parameters, scanConsistency: sdk.QueryScanConsistency.RequestPlus, timeout }
    const { rows } = await collection.scope.bucket.cluster.query(statement, options)
    return rows as string[]
  } catch (error) {
    if (!cannotQuery(error)) throw error
    const message = `Couchbase: sessions cannot be listed without a query service and a primary index (${couchbaseError(error).message})`
    throw new DatabankError('DATABANK_NOT_SUPPORTED', message, { cause: error })
  }
}
