import { tracingChannel } from 'node:diagnostics_channel'
import {
  context,
  createContextKey,
  type Histogram,
  type Meter,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { OperationMessage } from 'connect-databank'
import { ATTRIBUTES, SCOPE } from './names.ts'

/** An operation under way. */
interface Operation {
  readonly span: Span
  /** On the clock of `performance`. */
  readonly startedAt: number
  retries: number
  isCached: boolean
}

const CHANNEL = tracingChannel<OperationMessage>('connect-databank:operation')
const OPERATION = createContextKey(`${SCOPE} operation`)
/** The boundaries in seconds that OpenTelemetry recommends for `db.client.operation.duration`. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** Measures each operation and makes a span of it, until the function that it returns is called. */
export function observeOperations(meter: Meter, tracer: Tracer): () => void {
  const durations = meter.createHistogram('session.store.operation.duration', {
    description: 'Duration of operations of the session store',
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDARIES },
  })
  const underWay = new WeakMap<OperationMessage, Operation>()
  const start = (message: OperationMessage): void => void underWay.set(message, begin(tracer, message))
  const end = (message: OperationMessage): void => {
    const operation = underWay.get(message)
    if (operation !== undefined) finish(durations, message, operation)
  }
  // asyncEnd comes after an error as well.
  const unsubscribes = [subscribe('start', start), subscribe('asyncEnd', end)]
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe()
  }
}

/** The operation that has called this function; undefined outside operations. */
export function currentOperation(): Operation | undefined {
  return context.active().getValue(OPERATION) as Operation | undefined
}

function subscribe(name: 'start' | 'asyncEnd', handler: (message: OperationMessage) => void): () => void {
  const listener = handler as (message: unknown) => void
  CHANNEL[name].subscribe(listener)
  return () => void CHANNEL[name].unsubscribe(listener)
}

/** The span is active during the operation: spans of a database client are its children. */
function begin(tracer: Tracer, message: OperationMessage): Operation {
  const parent = context.active()
  const span = tracer.startSpan(`${message.operation} sessions`, { attributes: attributesOf(message) }, parent)
  const operation: Operation = { span, startedAt: performance.now(), retries: 0, isCached: false }
  const active = trace.setSpan(parent, span).setValue(OPERATION, operation)
  const { run } = message
  message.run = (work) => context.with(active, () => (run === undefined ? work() : run(work)))
  return operation
}

function finish(durations: Histogram, message: OperationMessage, { span, startedAt, retries, isCached }: Operation): void {
  const { error, result = 'ok' } = message
  const ending = {
    [ATTRIBUTES.outcome]: error === undefined ? result : 'error',
    ...(error && { [ATTRIBUTES.error]: error.code }),
  }
  const seconds = (performance.now() - startedAt) / 1_000
  durations.record(seconds, { ...attributesOf(message), ...ending }, trace.setSpan(context.active(), span))
  span.setAttributes(ending)
  if (retries > 0) span.setAttribute(ATTRIBUTES.retries, retries)
  if (isCached) span.setAttribute(ATTRIBUTES.isCached, true)
  // Without the message, which may contain text of the database.
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

function attributesOf({ operation, backend }: OperationMessage): Record<string, string> {
  return { [ATTRIBUTES.operation]: operation, [ATTRIBUTES.backend]: backend }
}
