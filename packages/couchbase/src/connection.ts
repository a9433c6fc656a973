import { DatabankError } from 'connect-databank'
import type { CouchbaseCluster, CouchbaseCollection, Sdk } from './client.ts'
import { transcoder } from './documents.ts'
import { closed, failure, isMissing, nameOf } from './failures.ts'
import type { CheckedOptions } from './options.ts'

/** A collection that answers, and the SDK's own words for what is asked of it. */
export interface Connected {
  readonly collection: CouchbaseCollection
  readonly sdk: Sdk
}

/** How long closing may take: the SDK waits for nodes that do not answer. In milliseconds. */
const closeTimeout = 1_000
/** The second look at why a bucket does not answer, in milliseconds: by then the SDK knows. */
const secondLook = 250

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/**
 * The collection that the options name, connected on first use; the SDK, a native module, is loaded no sooner. If connecting
 * fails, the next use tries again.
 */
export class Connection {
  readonly #options: CheckedOptions
  #connecting: Promise<Connected> | undefined
  #connected: Connected | undefined
  #own: CouchbaseCluster | undefined
  #isClosed = false

  constructor(options: CheckedOptions) {
    this.#options = options
  }

  /** What is connected; undefined until `connect` has ended well. */
  get current(): Connected | undefined {
    return this.#connected
  }

  /** @throws DATABANK_CLOSED, DATABANK_UNAVAILABLE, DATABANK_DENIED, DATABANK_MISSING_PACKAGE */
  async connect(): Promise<Connected> {
    if (this.#isClosed) throw closed()
    if (this.#connected !== undefined) return this.#connected
    this.#connecting ??= this.#connect()
    try {
      const connected = await this.#connecting
      if (this.#isClosed) throw closed()
      this.#connected = connected
      return connected
    } finally {
      this.#connecting = undefined
    }
  }

  /** Takes nothing new, and disconnects when what is under way has ended; its own time-outs see to it that it does. */
  async close(idle: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#connected = undefined
    await this.#connecting?.catch(() => undefined)
    await idle()
    await this.#disconnect()
  }

  async #connect(): Promise<Connected> {
    const sdk = await loadSdk()
    const { cluster, collection, bucket, scope, connectTimeout } = this.#options
    const giveUpAt = Date.now() + connectTimeout
    try {
      const found =
        typeof collection === 'object'
          ? collection
          : (cluster ?? (await this.#connectOwn(sdk))).bucket(bucket).scope(scope).collection(collection)
      await this.#requireAnswer(found, giveUpAt)
      return { collection: found, sdk }
    } catch (error) {
      await this.#disconnect()
      throw unreachable(error)
    }
  }

  async #connectOwn(sdk: typeof import('couchbase')): Promise<CouchbaseCluster> {
    const { url, username, password, connectTimeout, operationTimeout } = this.#options
    this.#own = await sdk.connect(url, {
      username,
      password,
      logger: silent,
      // Both end in the log, and cost as much as the operations that they measure.
      tracingConfig: { enableTracing: false },
      metricsConfig: { enableMetrics: false },
      timeouts: {
        bootstrapTimeout: connectTimeout,
        connectTimeout,
        resolveTimeout: connectTimeout,
        kvTimeout: operationTimeout,
        kvDurableTimeout: Math.max(operationTimeout, 1_500),
      },
    })
    return this.#own
  }

  /** The SDK opens a bucket behind our back; whether that went well, only an operation tells, and sometimes only the second. */
  async #requireAnswer(collection: CouchbaseCollection, giveUpAt: number): Promise<void> {
    const ask = (timeout: number) => collection.get(`${this.#options.prefix}#`, { transcoder, timeout })
    try {
      await ask(Math.max(giveUpAt - Date.now(), secondLook))
    } catch (error) {
      if (isMissing(error)) return
      if (!nameOf(error).endsWith('TimeoutError')) throw error
      await ask(secondLook).catch((second) => {
        if (!isMissing(second)) throw nameOf(second).endsWith('TimeoutError') ? error : second
      })
    }
  }

  async #disconnect(): Promise<void> {
    const own = this.#own
    this.#own = undefined
    if (own === undefined) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeTimeout)
    })
    await Promise.race([own.close().catch(() => undefined), late])
    clearTimeout(timer)
  }
}

async function loadSdk(): Promise<typeof import('couchbase')> {
  try {
    return await import('couchbase')
  } catch (cause) {
    throw new DatabankError('DATABANK_MISSING_PACKAGE', 'couchbase could not be loaded: npm install couchbase', { cause })
  }
}

/** What an operation calls a time-out, is a server that cannot be reached when it happens here. */
function unreachable(error: unknown): Error {
  const coded = failure(error)
  if (coded.code !== 'DATABANK_TIMEOUT') return coded
  return new DatabankError('DATABANK_UNAVAILABLE', `couchbase: no connection: ${coded.message}`, { cause: error })
}
