import { DatabankError } from 'connect-databank'
import type { CouchbaseCollection, MutationToken, ScanResult, ScanStream, Sdk } from './client.ts'
import { transcoder } from './documents.ts'
import { failure, isMissing, nameOf } from './failures.ts'

/** One document of a listing; without content if it has to be read. */
export type Listed = ScanResult

/** What is to be listed. */
export interface Wanted {
  /** What the keys begin with. */
  readonly prefix: string
  /** Keys alone. */
  readonly idsOnly: boolean
  /** Writes that the listing must not miss. */
  readonly after: readonly MutationToken[]
  /** How long to wait for one answer of the server, in milliseconds. */
  readonly timeout: number
}

/** How many keys one query gives. */
const pageSize = 500
/** How long a query may take, its wait for the index included, in milliseconds. */
const queryTimeout = 30_000

/**
 * All documents whose keys begin with the prefix: by a range scan where the server has it (Couchbase Server 7.6), else by SQL++,
 * which needs an index, and gives keys alone.
 *
 * @throws DATABANK_NOT_SUPPORTED if the server has neither
 */
export async function* list(collection: CouchbaseCollection, sdk: Sdk, wanted: Wanted): AsyncGenerator<Listed> {
  let isBegun = false
  try {
    for await (const listed of byRangeScan(collection, sdk, wanted)) {
      isBegun = true
      yield listed
    }
    return
  } catch (error) {
    const coded = failure(error)
    if (isBegun || coded.code !== 'DATABANK_NOT_SUPPORTED') throw coded
  }
  yield* byQuery(collection, sdk, wanted.prefix)
}

/** The SDK's stream cannot be held back: what comes faster than it is taken waits here. */
async function* byRangeScan(collection: CouchbaseCollection, sdk: Sdk, wanted: Wanted): AsyncGenerator<Listed> {
  const { prefix, idsOnly, after, timeout } = wanted
  await requireAnswer(collection, prefix, timeout)
  // Not awaited: as a promise it would hold all that it gives until its end.
  const stream = collection.scan(new sdk.PrefixScan(prefix), {
    transcoder,
    idsOnly,
    consistentWith: new sdk.MutationState(...after),
    timeout,
  }) as ScanStream
  const found: Listed[] = []
  let failed: Error | undefined
  let isDone = false
  let wake: () => void = () => undefined
  stream.on('result', (result) => {
    found.push(result)
    wake()
  })
  stream.on('error', (error) => {
    failed = error
  })
  stream.on('end', () => {
    isDone = true
    wake()
  })
  try {
    for (;;) {
      yield* found.splice(0)
      if (failed !== undefined) throw failed
      if (isDone && found.length === 0) return
      if (found.length === 0 && !isDone) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    stream.cancelStreaming()
  }
}

/**
 * To begin a scan, the SDK asks the server and stops the process until it has the answer or its time is up: it is only begun
 * where the server has just answered.
 */
async function requireAnswer(collection: CouchbaseCollection, prefix: string, timeout: number): Promise<void> {
  await collection.get(`${prefix}#`, { transcoder, timeout }).catch((error) => {
    if (!isMissing(error)) throw error
  })
}

/** In pages, each beginning behind the last key of the one before. */
async function* byQuery(collection: CouchbaseCollection, sdk: Sdk, prefix: string): AsyncGenerator<Listed> {
  const { scope } = collection
  const names = [scope.bucket.name, scope.name, collection.name].map((name) => `\`${name.replaceAll('`', '``')}\``)
  const statement =
    `SELECT RAW META(d).id FROM ${names.join('.')} AS d ` +
    `WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3 ORDER BY META(d).id LIMIT ${pageSize}`
  for (let after = ''; ; ) {
    const page = await ask(collection, sdk, statement, [prefix, `${prefix}\u{10ffff}`, after])
    for (const id of page) yield { id }
    if (page.length < pageSize) return
    after = page.at(-1) as string
  }
}

async function ask(collection: CouchbaseCollection, sdk: Sdk, statement: string, parameters: string[]): Promise<string[]> {
  try {
    const { rows } = await collection.scope.bucket.cluster.query(statement, {
      parameters,
      // The index follows the writes at a distance: it is to catch up with all that were answered before.
      scanConsistency: sdk.QueryScanConsistency.RequestPlus,
      timeout: queryTimeout,
    })
    return rows as string[]
  } catch (error) {
    const coded = failure(error)
    // A query service that knows nothing of our bucket, which does exist, is none.
    const isMissingService =
      coded.code === 'DATABANK_NOT_SUPPORTED' || coded.code === 'DATABANK_UNAVAILABLE' || nameOf(error) === 'BucketNotFoundError'
    if (!isMissingService) throw coded
    const message = `couchbase: sessions cannot be listed: the server has no range scan, and no query service with a primary index (${coded.message})`
    throw new DatabankError('DATABANK_NOT_SUPPORTED', message, { cause: error })
  }
}
