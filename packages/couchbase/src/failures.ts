import { coded, DatabankError, type ErrorCode } from 'connect-databank'

/** What the SDK's errors mean to us, by class: the SDK may be loaded more than once. */
const meanings: Readonly<Record<string, ErrorCode>> = {
  AuthenticationFailureError: 'DATABANK_DENIED',
  BucketNotFoundError: 'DATABANK_BACKEND_FAILED',
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

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : ''
}

/** The SDK's error with the code that says what it means. */
export function failure(error: unknown): Error & { code: ErrorCode } {
  const name = nameOf(error)
  const message = `couchbase: ${error instanceof Error ? error.message : error}`
  return error instanceof DatabankError ? error : coded(new DatabankError(codeOf(name, error), message, { cause: error }))
}

function codeOf(name: string, error: unknown): ErrorCode {
  // No node to send it to was found until time was up.
  if (
    name === 'UnambiguousTimeoutError' &&
    (error as { context?: { last_dispatched_to?: string } }).context?.last_dispatched_to === ''
  ) {
    return 'DATABANK_UNAVAILABLE'
  }
  return Object.hasOwn(meanings, name) ? (meanings[name] as ErrorCode) : 'DATABANK_BACKEND_FAILED'
}

export function isMissing(error: unknown): boolean {
  return nameOf(error) === 'DocumentNotFoundError'
}

/** The document is no longer as it was when we looked, or is no document that we can change in part. */
export function isOvertaken(error: unknown): boolean {
  return [
    'CasMismatchError',
    'DocumentExistsError',
    'DocumentNotFoundError',
    'PathNotFoundError',
    'PathMismatchError',
    'DocumentNotJsonError',
  ].includes(nameOf(error))
}

/** Whether the write may have happened. */
export function isAmbiguous(error: unknown): boolean {
  return ['AmbiguousTimeoutError', 'DurabilityAmbiguousError', 'RequestCanceledError'].includes(nameOf(error))
}

export function closed(): DatabankError {
  return new DatabankError('DATABANK_CLOSED', 'the Couchbase bank was closed')
}
