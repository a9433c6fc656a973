import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { DatabankStore, type StoreOptions } from 'connect-databank'
import type { Bank } from 'connect-databank/backend'
import session, { type SessionData } from 'express-session'

/** An SDK with exporters in memory. */
export class Sdk {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  // It exports on demand only: its interval is longer than any test.
  readonly #reader = new PeriodicExportingMetricReader({ exporter: this.#exporter, exportIntervalMillis: 3_600_000 })
  readonly #spans = new InMemorySpanExporter()
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] })
  readonly tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#spans)] })

  /** The data points of a metric, after a collection. */
  async points<Value = number>(name: string): Promise<{ attributes: object; value: Value }[]> {
    return (await this.metric(name))?.dataPoints.map(({ attributes, value }) => ({ attributes, value: value as Value })) ?? []
  }

  async metric(name: string) {
    this.#exporter.reset()
    await this.#reader.forceFlush()
    const [metrics] = this.#exporter.getMetrics().at(-1)?.scopeMetrics ?? []
    return metrics?.metrics.find(({ descriptor }) => descriptor.name === name)
  }

  /** How often each operation was measured: `get ok`, or `get DATABANK_TIMEOUT`. */
  async counts(): Promise<Record<string, number>> {
    const points = await this.points<Histogram>('session.store.operation.duration')
    return Object.fromEntries(points.map(({ attributes, value }) => [nameOf(attributes), value.count]))
  }

  /** The spans that have ended, in that order. */
  spans(): ReadableSpan[] {
    return this.#spans.getFinishedSpans()
  }

  async close(): Promise<void> {
    await this.meterProvider.shutdown()
    await this.tracerProvider.shutdown()
  }
}

function nameOf(attributes: object): string {
  const { 'session.store.operation.name': name, 'session.store.operation.outcome': outcome } = attributes as Record<
    string,
    string
  >
  return `${name} ${(attributes as Record<string, string>)['error.type'] ?? outcome}`
}

export function storeOn(bank: Bank, options: Omit<StoreOptions, 'bank'> = {}): DatabankStore {
  return new DatabankStore({ bank, cleanupInterval: null, ...options })
}

/** A session as a caller would write it by hand. */
export function sessionData(data: object = {}): SessionData {
  const cookie = new session.Cookie()
  cookie.maxAge = 60_000
  return { ...JSON.parse(JSON.stringify({ cookie })), ...data }
}

/** The session of a request. */
export async function load(store: DatabankStore, sid: string): Promise<SessionData & Record<string, unknown>> {
  const found = await store.get(sid)
  if (found === null) throw new Error(`no session ${sid}`)
  return found as SessionData & Record<string, unknown>
}
