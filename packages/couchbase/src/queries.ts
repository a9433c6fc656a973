import { DatabankError } from 'connect-databank/backend'
import type { Connected } from './connection.ts'
import { cannotQuery, couchbaseError } from './errors.ts'

/** How many keys one query returns. */
const PAGE_SIZE = 500

/** Which documents are listed: all, or those of an owner that are unexpired at `now`. */
export type Owned = [] | [owner: string, now: number]

/**
 * Lists ids by SQL++, in pages. Each page begins after the last key of the previous one.
 *
 * @param timeout how long one query may take, its wait for the index included, in milliseconds
 * @throws DATABANK_NOT_SUPPORTED if there is no query service, or no index that it can use
 */
export async function* listIds(
  { collection: { scope, name }, sdk }: Connected,
  prefix: string,
  timeout: number,
  ...owned: Owned
): AsyncGenerator<readonly string[]> {
  const keyspace = [scope.bucket.name, scope.name, name].map((part) => `\`${part.replaceAll('`', '``')}\``).join('.')
  const ofOwner = ' AND d.databank.owner = $4 AND (d.databank.expires IS NULL OR d.databank.expires > $5)'
  const statement =
    `SELECT RAW META(d).id FROM ${keyspace} AS d ` +
    `WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3${owned.length === 0 ? '' : ofOwner} ` +
    `ORDER BY META(d).id LIMIT ${PAGE_SIZE}`
  // The index follows the writes with a delay. The query waits until it has all earlier acknowledged writes.
  const scanConsistency = sdk.QueryScanConsistency.RequestPlus
  for (let after = ''; ; ) {
    const parameters = [prefix, `${prefix}\u{10ffff}`, after, ...owned]
    const { rows: keys } = await scope.bucket.cluster
      .query<string>(statement, { parameters, scanConsistency, timeout })
      .catch(refuse)
    yield keys.map((key) => key.slice(prefix.length)).filter((id) => id !== '')
    if (keys.length < PAGE_SIZE) return
    after = keys.at(-1)!
  }
}

function refuse(error: unknown): never {
  if (!cannotQuery(error)) throw error
  const message = `Couchbase: sessions cannot be listed without a query service and a primary index (${couchbaseError(error).message})`
  throw new DatabankError('DATABANK_NOT_SUPPORTED', message, { cause: error })
}
