// Names follow https://opentelemetry.io/docs/specs/semconv/general/naming/.

/** The instrumentation scope. */
export const SCOPE = '@connect-databank/opentelemetry'

/** Attributes of metrics and of spans. */
export const ATTRIBUTES = {
  /** Such as `get`. */
  operation: 'session.store.operation.name',
  /** `ok`, `missing`, `dropped` or `error`. */
  outcome: 'session.store.operation.outcome',
  /** Such as `redis`. */
  backend: 'session.store.backend.name',
  /** The error's code, such as `DATABANK_TIMEOUT`. An attribute of OpenTelemetry's own. */
  error: 'error.type',
  /** Of spans: how often a compare-and-swap was tried again. */
  retries: 'session.store.operation.retries',
  /** Of spans: whether the near cache answered a read. */
  isCached: 'session.store.operation.cached',
} as const
