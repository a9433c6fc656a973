import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Bank, extend } from '../src/bank.ts'
import { DatabankError } from '../src/errors.ts'
import type { EventMessage, OperationMessage } from '../src/tracing.ts'
import { Client, gatedBank, nextTurn, ReferenceBank, renewAge, sessionData, threeMethods } from './helpers.ts'

const operations = tracingChannel<OperationMessage>('connect-databank:operation')
const events = channel('connect-databank:event')

/** What was published, as text: `end get`. */
let published: string[]
let ended: OperationMessage[]
let eventMessages: EventMessage[]
const onEvent = (message: unknown): void => void eventMessages.push(message as EventMessage)
const subscriber = {
  start: ({ operation }: OperationMessage) => void published.push(`start ${operation}`),
  end: ({ operation }: OperationMessage) => void published.push(`end ${operation}`),
  asyncStart: ({ operation }: OperationMessage) => void published.push(`asyncStart ${operation}`),
  asyncEnd: (message: OperationMessage) => {
    published.push(`asyncEnd ${message.operation}`)
    ended.push(message)
  },
  error: ({ operation }: OperationMessage) => void published.push(`error ${operation}`),
} as never

beforeEach(() => {
  published = []
  ended = []
  eventMessages = []
  operations.subscribe(subscriber)
  events.subscribe(onEvent)
})
afterEach(() => {
  operations.unsubscribe(subscriber)
  events.unsubscribe(onEvent)
})

/** Each operation that has ended, as text. */
const outcomes = (): string[] =>
  ended.map(({ operation, backend, result, error }) => `${operation} ${backend} ${error?.code ?? result}`)
const eventsOf = (): string[] => eventMessages.map(({ event, backend }) => `${event} ${backend}`)
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, member) => (member instanceof Error ? { ...member, message: member.message } : member))

describe('the channel connect-databank:operation', () => {
  it('publishes the start and the end of an operation', async () => {
    await new Client(new ReferenceBank()).get('sid')
    expect(published).toEqual(['start get', 'end get', 'asyncStart get', 'asyncEnd get'])
  })

  it('publishes the backend and the result', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData())
    const session = await client.load('sid')
    await client.touch('sid', renewAge(session))
    await client.store.length()
    await client.destroy('sid')
    expect(outcomes()).toEqual(['set', 'get', 'touch', 'length', 'destroy'].map((operation) => `${operation} reference ok`))
  })

  it('tells missing sessions and dropped writes from others', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData())
    const session = await client.load('sid')
    await client.destroy('sid')
    ended = []
    await client.get('sid')
    await client.destroy('sid')
    await client.store.update('sid', () => {})
    await client.set('sid', Object.assign(session, { late: true }))
    expect(outcomes()).toEqual(
      ['get', 'destroy', 'update'].map((operation) => `${operation} reference missing`).concat('set reference dropped'),
    )
  })

  it('publishes an error with its code; a bank without a name is unknown', async () => {
    const bank: Bank = { ...threeMethods(new ReferenceBank()), read: () => Promise.reject(new Error('no route to host')) }
    await new Client(bank).get('sid').catch(() => {})
    expect(published).toEqual(['start get', 'end get', 'error get', 'asyncStart get', 'asyncEnd get'])
    expect(outcomes()).toEqual(['get unknown DATABANK_BACKEND_FAILED'])
  })

  it('runs each operation inside what a subscriber of start has set, and no other operation', async () => {
    const contexts = new AsyncLocalStorage<number>()
    const seen: (number | undefined)[] = []
    const bank = new ReferenceBank()
    const seeing = extend(bank, {
      async read(id) {
        await nextTurn()
        seen.push(contexts.getStore())
        return bank.read(id)
      },
    })
    let count = 0
    const setContext = (message: unknown): void => {
      const number = ++count
      ;(message as OperationMessage).run = (work) => contexts.run(number, work)
    }
    operations.start.subscribe(setContext)
    const client = new Client(seeing)
    await Promise.all([client.get('a'), client.get('b')])
    operations.start.unsubscribe(setContext)
    await client.get('c')
    expect(seen).toEqual([1, 2, undefined])
  })
})

describe('the channel connect-databank:event', () => {
  it('publishes conflicts', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData())
    const [theirs, ours] = [await client.load('sid'), await client.load('sid')]
    await client.set('sid', Object.assign(theirs, { a: 1 }))
    expect(eventsOf()).toEqual([])
    await client.set('sid', Object.assign(ours, { b: 1 }))
    expect(eventsOf()).toEqual(['conflict reference'])
  })

  it('publishes each retry', async () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const client = new Client(gated)
    const other = new Client(new ReferenceBank(table))
    await client.set('sid', sessionData({ n: 0 }))
    gated.hold('swap')
    const updating = client.store.update('sid', (session) => Object.assign(session, { n: 10 }))
    for (let n = 1; n <= 3; n++) {
      const call = await gated.held('swap')
      await other.store.update('sid', (session) => Object.assign(session, { n }))
      await call.release()
    }
    gated.releaseAll()
    await updating
    expect(eventsOf()).toEqual(['retry reference', 'retry reference', 'retry reference'])
  })

  it('publishes the retries of a touch that is a read and a write', async () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const other = new Client(new ReferenceBank(table))
    await other.set('sid', sessionData())
    const client = new Client(extend(gated, { touch: undefined }))
    const session = await client.load('sid')
    gated.hold('swap')
    const touching = client.touch('sid', renewAge(session))
    const call = await gated.held('swap')
    await other.store.update('sid', (stored) => Object.assign(stored, { n: 1 }))
    gated.releaseAll()
    await call.release()
    await touching
    expect(eventsOf()).toEqual(['retry reference'])
  })

  it('publishes dropped writes, corrupt records and time-outs', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank, { timeout: 16 })
    await client.set('sid', sessionData())
    const session = await client.load('sid')
    await client.destroy('sid')
    await client.set('sid', Object.assign(session, { late: true }))
    expect(eventsOf()).toEqual(['dropped reference'])
    await bank.save('sid', { payload: '{"contents":', expires: null })
    await client.get('sid')
    expect(eventsOf()).toEqual(['dropped reference', 'corrupt reference'])
    const hanging = new Client(extend(bank, { read: () => new Promise(() => {}) }), { timeout: 16 })
    await expect(hanging.get('sid')).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    expect(eventsOf()).toEqual(['dropped reference', 'corrupt reference', 'timeout reference'])
  })
})

it('no message has an id, an owner or data', async () => {
  const client = new Client(new ReferenceBank(), { owner: () => 'secret-owner' })
  await client.set('secret-id', sessionData({ value: 'secret-data' }))
  const [theirs, ours] = [await client.load('secret-id'), await client.load('secret-id')]
  await client.set('secret-id', Object.assign(theirs, { value: 'secret-theirs' }))
  await client.set('secret-id', Object.assign(ours, { value: 'secret-ours' }))
  await client.store.destroySessionsOf('secret-owner')
  await client.set('secret-id', Object.assign(ours, { value: 'secret-late' }))
  await client.set('secret-id', { ...sessionData(), secret: 1n } as never).catch(() => {})
  expect(ended.length).toBeGreaterThan(6)
  expect(eventMessages.map(({ event }) => event)).toEqual(['conflict', 'dropped'])
  expect(ended.some(({ error }) => error instanceof DatabankError)).toBe(true)
  expect(textOf([ended, eventMessages])).not.toContain('secret')
})
