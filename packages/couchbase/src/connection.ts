import { DatabankError, Lifecycle, setBackgroundTimeout } from 'connect-databank/backend'
import type { Cluster, Collection } from 'couchbase'
import { couchbaseError, isMissing, isTimeout } from './errors.ts'
import type { CheckedOptions } from './options.ts'
import { transcoder } from './records.ts'

type Sdk = typeof import('couchbase')

/** A collection that has answered, and the SDK. */
export interface Connected {
  readonly collection: Collection
  readonly sdk: Sdk
  /** The cluster, if it was connected here. */
  readonly ownCluster?: Cluster | undefined
}

/** How long closing waits for operations under way, and then for the SDK, which waits for nodes that do not answer. In milliseconds. */
const CLOSE_TIMEOUT = 1_000
/** The time-out of a second operation on a bucket that did not answer, in milliseconds: by then the SDK knows the reason. */
const SECOND_QUESTION = 250

const silentLogger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/**
 * Connects on first use; the SDK, a native module, is loaded then. The caller's own cluster or collection stays open.
 */
export function connectionOf(options: CheckedOptions): Lifecycle<Connected> {
  return new Lifecycle({
    name: 'CouchbaseBank',
    open: () => connect(options),
    close: async ({ ownCluster }: Connected) => ownCluster?.close(),
    errorOf: couchbaseError,
    closeTimeout: Math.max(CLOSE_TIMEOUT, options.operationTimeout),
    maxPending: options.maxPending,
  })
}

async function connect(options: CheckedOptions): Promise<Connected> {
  const deadline = Date.now() + options.connectTimeout
  const sdk = await import('couchbase').catch((cause) => {
    throw new DatabankError('DATABANK_MISSING_PACKAGE', 'couchbase could not be loaded: npm install couchbase', { cause })
  })
  let ownCluster: Cluster | undefined
  try {
    let collection = options.collection as Collection | string
    if (typeof collection === 'string') {
      if (options.cluster === undefined) ownCluster = await connectCluster(sdk, options)
      const cluster = ownCluster ?? (options.cluster as Cluster)
      collection = cluster.bucket(options.bucket).scope(options.scope).collection(collection)
    }
    await requireAnswer(collection, options.prefix, deadline)
    return { collection, sdk, ownCluster }
  } catch (error) {
    // The SDK waits for nodes that do not answer.
    const timedOut = new Promise<void>((resolve) => setBackgroundTimeout(resolve, CLOSE_TIMEOUT))
    await Promise.race([ownCluster?.close().catch(() => undefined), timedOut])
    const mapped = couchbaseError(error)
    // While connecting, no answer in time means that the server cannot be reached.
    throw mapped.code === 'DATABANK_TIMEOUT'
      ? new DatabankError('DATABANK_UNAVAILABLE', mapped.message, { cause: error })
      : mapped
  }
}

function connectCluster(sdk: Sdk, options: CheckedOptions): Promise<Cluster> {
  const { url, username, password, connectTimeout, operationTimeout } = options
  return sdk.connect(url, {
    username,
    password,
    logger: silentLogger,
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
}

/** The SDK opens a bucket in the background. Only an operation shows whether that succeeded, sometimes only the second one. */
async function requireAnswer(collection: Collection, prefix: string, deadline: number): Promise<void> {
  const ask = (timeout: number) => collection.get(`${prefix}#`, { transcoder, timeout })
  try {
    await ask(Math.max(deadline - Date.now(), SECOND_QUESTION))
  } catch (error) {
    if (isMissing(error)) return
    if (!isTimeout(error)) throw error
    await ask(SECOND_QUESTION).catch((second) => {
      if (!isMissing(second)) throw isTimeout(second) ? error : second
    })
  }
}
