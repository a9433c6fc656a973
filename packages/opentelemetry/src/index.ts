import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import { checkOptions, type OptionRules, rules, withMethods } from 'connect-databank/backend'
import { countEvents } from './events.ts'
import { type CountableStore, observeLiveSessions } from './live-sessions.ts'
import { SCOPE } from './names.ts'
import { observeOperations } from './operations.ts'

export type { CountableStore } from './live-sessions.ts'

export interface InstrumentOptions {
  /** The store whose sessions are counted. Default: none, and there is no number of live sessions. */
  readonly store?: CountableStore
  /** The shortest time between two counts, in milliseconds. Default: a minute, 60 000. */
  readonly countInterval?: number
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider
}

/** The measurements of `instrument`. */
export interface Instrumentation {
  /** Ends the measurements. A second call has no effect. */
  close(): void
}

const optionRules: OptionRules<InstrumentOptions> = {
  store: withMethods('a store', 'length'),
  countInterval: rules.milliseconds,
  meterProvider: withMethods('a meter provider', 'getMeter'),
  tracerProvider: withMethods('a tracer provider', 'getTracer'),
}

/**
 * Measures all session stores of the process, and makes spans of their operations. To be called once, after the OpenTelemetry SDK has
 * started; before or after the stores are made.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  checkOptions('instrument', optionRules, options, { alsoKnown: [] })
  const { store, countInterval = 60_000, meterProvider = metrics, tracerProvider = trace } = options
  const meter = meterProvider.getMeter(SCOPE)
  const ends = [observeOperations(meter, tracerProvider.getTracer(SCOPE)), countEvents(meter)]
  if (store !== undefined) ends.push(observeLiveSessions(meter, store, countInterval))
  return {
    close() {
      for (const end of ends.splice(0)) end()
    },
  }
}
