import { describe, expect, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { Client, Gate, gatedBank, nextTurn, ReferenceBank, sessionData, threeMethods, turns, withScan } from './helpers.ts'

describe.each([
  ['with swap', (bank: Bank) => bank],
  ['with three methods, in one process', threeMethods],
])('a session that was destroyed since it was loaded, on a bank %s,', (_name, limit) => {
  it.each([
    ['a save', {}, 'set', ['dropped sid']],
    ['a save of the same data', undefined, 'set', []],
    ['a touch', undefined, 'touch', []],
    ['a touch with a changed cookie', { cookie: { path: '/other' } }, 'touch', []],
  ] as const)('is not brought back by %s', async (_, change, method, expected) => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData())
    const late = await client.load('sid')
    await client.destroy('sid')
    const events = client.events()
    if (change !== undefined && 'cookie' in change) Object.assign(late.cookie, change.cookie)
    else if (change !== undefined) late['back'] = true
    await client[method]('sid', late)
    await nextTurn()
    expect(await client.get('sid')).toBeNull()
    expect(events).toEqual(expected)
  })

  it('is not brought back by the second save of a request that has created it', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData())
    const late = await client.load('sid')
    late['n'] = 1
    await client.set('sid', late)
    await client.destroy('sid')
    late['n'] = 2
    await client.set('sid', late)
    expect(await client.get('sid')).toBeNull()
  })

  it('is destroyed without an error for the second time', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData())
    await client.destroy('sid')
    await client.destroy('sid')
    expect(await client.get('sid')).toBeNull()
  })
})

it('drops a write whose session another process destroys while it is under way', async () => {
  const table = new Map()
  const gated = gatedBank(new ReferenceBank(table))
  const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(table))]
  await fast.set('sid', sessionData())
  const late = await slow.load('sid')
  const events = slow.events()
  gated.hold('swap')
  late['late'] = 1
  const saving = slow.set('sid', late)
  const held = await gated.held('swap')
  await fast.destroy('sid')
  await held.release()
  await saving
  expect(await fast.get('sid')).toBeNull()
  expect(events).toEqual(['dropped sid'])
})

describe('clear, without swap, in one process', () => {
  it('ends a session for good that a save is about to write', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client({ ...withScan(gated), clear: () => gated.clear!() })
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    gated.hold('save')
    live['late'] = 1
    const saving = client.set('sid', live)
    const held = await gated.held('save')
    const clearing = client.store.clear()
    await nextTurn()
    gated.releaseAll()
    await held.release()
    await Promise.all([saving, clearing])
    expect(await client.get('sid')).toBeNull()
  })

  it('that has timed out deletes nothing more: others may have stored it since', async () => {
    const gated = gatedBank(new ReferenceBank())
    const gate = new Gate()
    async function* scan(): ReturnType<NonNullable<Bank['scan']>> {
      await gate.pass('scan')
      yield* gated.scan!()
    }
    const client = new Client({ ...threeMethods(gated), scan }, { timeout: 5 })
    await expect(client.store.clear()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    await gated.save('sid', { payload: JSON.stringify(sessionData({ n: 1 })), expires: null })
    gate.release('scan')
    await turns(5)
    expect(await gated.read('sid')).not.toBeNull()
  })
})
