import { type ErrorCode, errorMapper } from 'connect-databank/backend'

/** The SDK's errors, by class name: the SDK may be loaded more than once. */
const SDK_ERRORS: Readonly<Record<string, ErrorCode>> = {
  AuthenticationFailureError: 'DATABANK_DENIED',
  AmbiguousTimeoutError: 'DATABANK_TIMEOUT',
  UnambiguousTimeoutError: 'DATABANK_TIMEOUT',
  TimeoutError: 'DATABANK_TIMEOUT',
  DurabilityAmbiguousError: 'DATABANK_TIMEOUT',
  RequestCanceledError: 'DATABANK_UNAVAILABLE',
  ServiceNotAvailableError: 'DATABANK_UNAVAILABLE',
  TemporaryFailureError: 'DATABANK_UNAVAILABLE',
  RateLimitedError: 'DATABANK_UNAVAILABLE',
  DocumentLockedError: 'DATABANK_UNAVAILABLE',
  DurabilityImpossibleError: 'DATABANK_UNAVAILABLE',
  DurableWriteInProgressError: 'DATABANK_UNAVAILABLE',
  DurableWriteReCommitInProgressError: 'DATABANK_UNAVAILABLE',
  QuotaLimitedError: 'DATABANK_FULL',
  ValueTooLargeError: 'DATABANK_INVALID_SESSION',
  DurabilityLevelNotAvailableError: 'DATABANK_NOT_SUPPORTED',
  IndexNotFoundError: 'DATABANK_NOT_SUPPORTED',
  PlanningFailureError: 'DATABANK_NOT_SUPPORTED',
  FeatureNotAvailableError: 'DATABANK_NOT_SUPPORTED',
  UnsupportedOperationError: 'DATABANK_NOT_SUPPORTED',
  ConnectionClosedError: 'DATABANK_CLOSED',
  ClusterClosedError: 'DATABANK_CLOSED',
}

/** The class name of an error. */
function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null ? error.constructor.name : ''
}

/** The SDK's error with our code. */
export const couchbaseError = errorMapper('Couchbase', (error) => {
  const name = nameOf(error)
  if (name === 'UnambiguousTimeoutError' && wasNeverSent(error)) return 'DATABANK_UNAVAILABLE'
  return Object.hasOwn(SDK_ERRORS, name) ? SDK_ERRORS[name] : undefined
})

/** Whether no node was found to send the operation to. */
function wasNeverSent(error: object): boolean {
  return (error as { context?: { last_dispatched_to?: string } }).context?.last_dispatched_to === ''
}

export function isTimeout(error: unknown): boolean {
  return nameOf(error).endsWith('TimeoutError')
}

export function isMissing(error: unknown): boolean {
  return nameOf(error) === 'DocumentNotFoundError'
}

const CAS_CONFLICTS: readonly string[] = [
  'CasMismatchError',
  'DocumentExistsError',
  'DocumentNotFoundError',
  'PathNotFoundError',
  'PathMismatchError',
  'DocumentNotJsonError',
]

/** Whether the document has changed since it was read, or cannot be changed in part. */
export function isCasConflict(error: unknown): boolean {
  return CAS_CONFLICTS.includes(nameOf(error))
}

/** Whether the write may have happened. */
export function isAmbiguous(error: unknown): boolean {
  return ['AmbiguousTimeoutError', 'DurabilityAmbiguousError', 'RequestCanceledError'].includes(nameOf(error))
}

/** Whether the cluster cannot be queried: it has no query service, none that knows the bucket, or no index. */
export function cannotQuery(error: unknown): boolean {
  const { code } = couchbaseError(error)
  return code === 'DATABANK_NOT_SUPPORTED' || code === 'DATABANK_UNAVAILABLE' || nameOf(error) === 'BucketNotFoundError'
}
