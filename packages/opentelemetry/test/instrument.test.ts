import { ReferenceBank } from '@connect-databank/conformance'
import { metrics, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { instrument } from '../src/index.ts'
import { Sdk, sessionData, storeOn } from './helpers.ts'

let sdk: Sdk
beforeEach(() => {
  sdk = new Sdk()
})
afterEach(() => sdk.close())

describe('instrument', () => {
  it('measures stores that were made before and after', async () => {
    const before = storeOn(new ReferenceBank())
    const instrumentation = instrument(sdk)
    const after = storeOn(new ReferenceBank())
    await before.get('a')
    await after.set('a', sessionData())
    instrumentation.close()
    expect(await sdk.counts()).toEqual({ 'get missing': 1, 'set ok': 1 })
  })

  it('measures several copies of the store', async () => {
    const instrumentation = instrument(sdk)
    vi.resetModules()
    const copy = await import('connect-databank')
    expect(copy.DatabankStore).not.toBe((await import('./helpers.ts').then(() => storeOn(new ReferenceBank()))).constructor)
    await new copy.DatabankStore({ bank: new ReferenceBank(), cleanupInterval: null }).get('a')
    await storeOn(new ReferenceBank()).get('a')
    instrumentation.close()
    expect(await sdk.counts()).toEqual({ 'get missing': 2 })
  })

  it('measures with the global providers by default', async () => {
    metrics.setGlobalMeterProvider(sdk.meterProvider)
    trace.setGlobalTracerProvider(sdk.tracerProvider)
    const instrumentation = instrument()
    await storeOn(new ReferenceBank()).get('a')
    instrumentation.close()
    metrics.disable()
    trace.disable()
    expect(await sdk.counts()).toEqual({ 'get missing': 1 })
    expect(sdk.spans().map(({ name }) => name)).toEqual(['get sessions'])
  })

  it('works without an SDK', async () => {
    const instrumentation = instrument()
    expect(await storeOn(new ReferenceBank()).get('a')).toBeNull()
    instrumentation.close()
  })

  it('measures nothing after close, which may be called twice', async () => {
    const store = storeOn(new ReferenceBank())
    const length = vi.fn(async () => 1)
    const instrumentation = instrument({ ...sdk, store: { length }, countInterval: 0 })
    await store.get('a')
    expect(await sdk.counts()).toEqual({ 'get missing': 1 })
    length.mockClear()
    instrumentation.close()
    instrumentation.close()
    await store.get('a')
    expect(await sdk.counts()).toEqual({ 'get missing': 1 })
    expect(sdk.spans()).toHaveLength(1)
    expect(length).not.toHaveBeenCalled()
  })

  it('refuses unknown and wrong options', () => {
    const options = { code: 'DATABANK_INVALID_OPTION' }
    expect(() => instrument({ stores: [] } as never)).toThrow(expect.objectContaining(options))
    expect(() => instrument({ store: {} } as never)).toThrow(expect.objectContaining(options))
    expect(() => instrument({ countInterval: -1 })).toThrow(expect.objectContaining(options))
    expect(() => instrument({ meterProvider: {} } as never)).toThrow(expect.objectContaining(options))
    expect(() => instrument({ tracerProvider: 1 } as never)).toThrow(expect.objectContaining(options))
  })
})
