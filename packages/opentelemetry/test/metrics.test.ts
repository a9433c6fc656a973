import { gatedBank, ReferenceBank } from '@connect-databank/conformance'
import { extend, publishEvent, type Stored } from 'connect-databank/backend'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Instrumentation, instrument } from '../src/index.ts'
import { load, Sdk, sessionData, storeOn } from './helpers.ts'

const OF_REFERENCE = { 'session.store.backend.name': 'reference' }

let sdk: Sdk
let instrumentation: Instrumentation

beforeEach(() => {
  sdk = new Sdk()
  instrumentation = instrument(sdk)
})
afterEach(async () => {
  instrumentation.close()
  await sdk.close()
})

describe('session.store.operation.duration', () => {
  it('measures operations by name, backend and outcome, in seconds', async () => {
    const store = storeOn(new ReferenceBank())
    await store.set('a', sessionData())
    await store.get('a')
    await store.get('a')
    await store.get('b')
    expect(await sdk.counts()).toEqual({ 'set ok': 1, 'get ok': 2, 'get missing': 1 })
    const metric = await sdk.metric('session.store.operation.duration')
    expect(metric?.descriptor).toMatchObject({ unit: 's' })
    expect(metric?.dataPoints.map(({ attributes }) => attributes)).toContainEqual({
      'session.store.operation.name': 'get',
      'session.store.operation.outcome': 'missing',
      ...OF_REFERENCE,
    })
    expect(metric?.dataPoints[0]?.value).toMatchObject({
      buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    })
  })

  it('measures from the call to the answer', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('read')
    const reading = storeOn(bank).get('a')
    const call = await bank.held('read')
    expect(await sdk.counts()).toEqual({})
    const start = performance.now()
    while (performance.now() - start < 20);
    await call.release()
    await reading
    const [point] = await sdk.points<{ sum: number }>('session.store.operation.duration')
    expect(point?.value.sum).toBeGreaterThanOrEqual(0.02)
    expect(point?.value.sum).toBeLessThan(20)
  })

  it('measures failures with the code as error.type', async () => {
    const bank = extend(new ReferenceBank(), { read: () => Promise.reject(new Error('secret')) })
    await storeOn(bank)
      .get('a')
      .catch(() => {})
    const [point] = await sdk.points('session.store.operation.duration')
    expect(point?.attributes).toEqual({
      'session.store.operation.name': 'get',
      'session.store.operation.outcome': 'error',
      'error.type': 'DATABANK_BACKEND_FAILED',
      ...OF_REFERENCE,
    })
  })

  it('measures what callers of callbacks do', async () => {
    const store = storeOn(new ReferenceBank())
    await new Promise((resolve) => store.get('a', resolve))
    expect(await sdk.counts()).toEqual({ 'get missing': 1 })
  })
})

describe('the counters', () => {
  it('count conflicts', async () => {
    const store = storeOn(new ReferenceBank())
    await store.set('a', sessionData())
    const [theirs, ours] = [await load(store, 'a'), await load(store, 'a')]
    await store.set('a', Object.assign(theirs, { theirs: 1 }))
    await store.set('a', Object.assign(ours, { ours: 1 }))
    expect(await sdk.points('session.store.conflicts')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
    expect((await sdk.metric('session.store.conflicts'))?.descriptor.unit).toBe('{conflict}')
  })

  it('count dropped writes', async () => {
    const store = storeOn(new ReferenceBank())
    await store.set('a', sessionData())
    const late = await load(store, 'a')
    await store.destroy('a')
    await store.set('a', Object.assign(late, { late: true }))
    expect(await sdk.points('session.store.dropped_writes')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
    expect(await sdk.counts()).toMatchObject({ 'set dropped': 1 })
  })

  it('count time-outs', async () => {
    const store = storeOn(extend(new ReferenceBank(), { read: () => new Promise(() => {}) }), { timeout: 16 })
    await store.get('a').catch(() => {})
    expect(await sdk.points('session.store.timeouts')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
    expect(await sdk.counts()).toEqual({ 'get DATABANK_TIMEOUT': 1 })
  })

  it('count retries', async () => {
    const table = new Map()
    const bank = gatedBank(new ReferenceBank(table))
    const store = storeOn(bank)
    await store.set('a', sessionData({ n: 0 }))
    bank.hold('swap')
    const updating = store.update('a', (session) => Object.assign(session, { n: 1 }))
    const call = await bank.held('swap')
    await storeOn(new ReferenceBank(table)).update('a', (session) => Object.assign(session, { n: 2 }))
    bank.releaseAll()
    await call.release()
    await updating
    expect(await sdk.points('session.store.retries')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
  })

  it('count corrupt records', async () => {
    const bank = new ReferenceBank()
    await bank.save('a', { payload: '{"contents":', expires: null })
    expect(await storeOn(bank).get('a')).toBeNull()
    expect(await sdk.points('session.store.corrupt_records')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
  })

  it('count reads that were answered from memory', async () => {
    const bank = new ReferenceBank()
    const read = (id: string): Promise<Stored | null> => {
      publishEvent('cached', bank.name)
      return bank.read(id)
    }
    await storeOn(extend(bank, { read })).get('a')
    expect(await sdk.points('session.store.cached_reads')).toEqual([{ attributes: OF_REFERENCE, value: 1 }])
  })

  it('add nothing where nothing happens', async () => {
    const store = storeOn(new ReferenceBank())
    await store.set('a', sessionData())
    await store.set('a', Object.assign(await load(store, 'a'), { b: 1 }))
    for (const name of ['conflicts', 'dropped_writes', 'timeouts', 'retries', 'corrupt_records', 'cached_reads']) {
      expect(await sdk.points(`session.store.${name}`)).toEqual([])
    }
  })
})

it('no attribute has an id, an owner or data', async () => {
  const store = storeOn(new ReferenceBank(), { owner: () => 'secret-owner' })
  await store.set('secret-id', sessionData({ value: 'secret-data' }))
  const late = await load(store, 'secret-id')
  await store.destroySessionsOf('secret-owner')
  await store.set('secret-id', Object.assign(late, { value: 'secret-late' }))
  await store.set('secret-id', { ...sessionData(), secret: 1n } as never).catch(() => {})
  const spans = sdk.spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events }))
  expect(spans.length).toBeGreaterThan(4)
  const metrics = await sdk.points('session.store.operation.duration')
  expect(JSON.stringify([spans, metrics])).not.toContain('secret')
})
