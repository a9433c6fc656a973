import { gatedBank, ReferenceBank } from '@connect-databank/conformance'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { extend, publishEvent } from 'connect-databank/backend'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Instrumentation, instrument } from '../src/index.ts'
import { load, Sdk, sessionData, storeOn } from './helpers.ts'

let sdk: Sdk
let instrumentation: Instrumentation

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
afterAll(() => context.disable())
beforeEach(() => {
  sdk = new Sdk()
  instrumentation = instrument(sdk)
})
afterEach(async () => {
  instrumentation.close()
  await sdk.close()
})

/** Runs the work in a span, as an instrumentation of HTTP does for a request, or one of a database client for a command. */
async function inSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
  return sdk.tracerProvider.getTracer('test').startActiveSpan(name, async (span) => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })
}

const spanNamed = (name: string): ReadableSpan => {
  const [span, ...others] = sdk.spans().filter((each) => each.name === name)
  if (span === undefined || others.length > 0) throw new Error(`${others.length} spans too many, or none: ${name}`)
  return span
}
const parentOf = (span: ReadableSpan): string | undefined =>
  sdk.spans().find((each) => each.spanContext().spanId === span.parentSpanContext?.spanId)?.name

describe('the span of an operation', () => {
  it('has its name, its backend and its outcome', async () => {
    await storeOn(new ReferenceBank()).get('a')
    const span = spanNamed('get sessions')
    expect(span.kind).toBe(SpanKind.INTERNAL)
    expect(span.status).toEqual({ code: SpanStatusCode.UNSET })
    expect(span.instrumentationScope.name).toBe('@connect-databank/opentelemetry')
    expect(span.attributes).toEqual({
      'session.store.operation.name': 'get',
      'session.store.operation.outcome': 'missing',
      'session.store.backend.name': 'reference',
    })
  })

  it('has the code of a failure, and not what the database said', async () => {
    const bank = extend(new ReferenceBank(), { read: () => Promise.reject(new Error('secret')) })
    await storeOn(bank)
      .get('a')
      .catch(() => {})
    const span = spanNamed('get sessions')
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span.events).toEqual([])
    expect(span.attributes).toMatchObject({ 'session.store.operation.outcome': 'error', 'error.type': 'DATABANK_BACKEND_FAILED' })
  })

  it('is open until the operation ends', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('read')
    const reading = storeOn(bank).get('a')
    const call = await bank.held('read')
    expect(sdk.spans()).toEqual([])
    await call.release()
    await reading
    expect(sdk.spans()).toHaveLength(1)
  })

  it('has the number of retries', async () => {
    const table = new Map()
    const bank = gatedBank(new ReferenceBank(table))
    const store = storeOn(bank)
    await store.set('a', sessionData())
    bank.hold('swap')
    const updating = store.update('a', (session) => Object.assign(session, { n: 1 }))
    const other = storeOn(new ReferenceBank(table))
    for (let n = 0; n < 2; n++) {
      const call = await bank.held('swap')
      await other.set('a', sessionData({ n }))
      await call.release()
    }
    bank.releaseAll()
    await updating
    expect(spanNamed('update sessions').attributes).toMatchObject({ 'session.store.operation.retries': 2 })
    for (const span of sdk.spans().filter(({ name }) => name !== 'update sessions')) {
      expect(span.attributes).not.toHaveProperty('session.store.operation.retries')
    }
  })

  it('tells whether a read was answered from memory', async () => {
    const bank = new ReferenceBank()
    await bank.save('kept', { payload: '{}', expires: null })
    const near = extend(bank, {
      read(id) {
        if (id === 'kept') publishEvent('cached', bank.name)
        return bank.read(id)
      },
    })
    const store = storeOn(near)
    await Promise.all([store.get('kept'), store.get('missing')])
    const spans = sdk
      .spans()
      .map(({ attributes }) => [attributes['session.store.operation.outcome'], attributes['session.store.operation.cached']])
    expect(spans.sort()).toEqual([
      ['missing', undefined],
      ['ok', true],
    ])
  })
})

describe('spans are nested', () => {
  it("under the request's span, with those of the database client below", async () => {
    const bank = new ReferenceBank()
    const traced = extend(bank, {
      async read(id) {
        // A client sends its commands later, from another callback.
        await new Promise((resolve) => setImmediate(resolve))
        return inSpan('GET', () => bank.read(id))
      },
    })
    const store = storeOn(traced)
    await inSpan('GET /', async () => {
      await new Promise((resolve) => store.get('a', resolve))
      expect(trace.getActiveSpan()).toMatchObject({ name: 'GET /' })
    })
    expect(parentOf(spanNamed('GET'))).toBe('get sessions')
    expect(parentOf(spanNamed('get sessions'))).toBe('GET /')
    expect(parentOf(spanNamed('GET /'))).toBeUndefined()
  })

  it('each under its own request, where requests run at the same time', async () => {
    const bank = gatedBank(new ReferenceBank())
    const store = storeOn(bank)
    const names = ['a', 'b', 'c']
    for (const name of names) await store.set(name, sessionData())
    bank.hold('swap')
    const requests = names.map((name) =>
      inSpan(`request ${name}`, async () => {
        const session = await inSpan(`load ${name}`, () => load(store, name))
        await inSpan(`save ${name}`, () => store.set(name, Object.assign(session, { name })))
      }),
    )
    const calls = [await bank.held('swap'), await bank.held('swap'), await bank.held('swap')]
    for (const call of calls.reverse()) await call.release()
    await Promise.all(requests)
    for (const name of names) {
      const trees = sdk
        .spans()
        .filter((span) => span.spanContext().traceId === spanNamed(`request ${name}`).spanContext().traceId)
        .map((span) => `${span.name} < ${parentOf(span)}`)
      expect(trees.sort()).toEqual(
        [
          `get sessions < load ${name}`,
          `load ${name} < request ${name}`,
          `request ${name} < undefined`,
          `save ${name} < request ${name}`,
          `set sessions < save ${name}`,
        ].sort(),
      )
    }
  })
})
