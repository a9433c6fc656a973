// What the store does after it has told its caller that there was no answer in time.
import { Gate, gatedBank } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import { Client, countAnew, dataOf, sessionData, turnOfLoop } from './kit.ts'

const timedOut = { code: 'DATABANK_TIMEOUT' }

/** A bank of the required methods alone, as a databank driver is. */
function bare(bank: Bank): Bank {
  return { read: (id) => bank.read(id), save: (id, entry) => bank.save(id, entry), delete: (id) => bank.delete(id) }
}

describe('an operation that was given up', () => {
  it('ends to touch by swaps, when others are faster again and again', async () => {
    let calls = 0
    let isFaster = true
    const reference = new ReferenceBank()
    const swap: Bank['swap'] = async (id, expected, entry) => {
      calls++
      return isFaster ? reference.read(id).then(() => false) : reference.swap(id, expected, entry)
    }
    const client = new Client({ ...bare(reference), swap }, { timeout: 50 })
    try {
      await client.set('sid', sessionData())
      const live = await client.load('sid')
      await expect(client.touch('sid', live)).rejects.toMatchObject(timedOut)
      for (let turn = 0; turn < 50; turn++) await turnOfLoop()
      const afterwards = calls
      for (let turn = 0; turn < 50; turn++) await turnOfLoop()
      expect(calls).toBe(afterwards)
    } finally {
      isFaster = false
    }
  })

  it('does not begin, if its turn comes only then', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    gated.hold('delete', 'save')
    const outcomes = [client.destroy('sid'), client.set('sid', sessionData({ n: 2 }))]
    for (const outcome of await Promise.allSettled(outcomes)) expect(outcome).toMatchObject({ reason: timedOut })
    await turnOfLoop()
    expect(gated.calls('save')).toBe(1)
    gated.letGo()
  })

  it('does not overwrite what was written since, without swap, in one process', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(bare(gated), { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    gated.hold('read')
    for (const live of [first, second]) countAnew(live)
    first['first'] = 1
    const givenUp = client.set('sid', first)
    const late = await gated.held('read')
    await late.perform()
    await expect(givenUp).rejects.toMatchObject(timedOut)
    second['second'] = 2
    const saving = client.set('sid', second)
    await (await gated.held('read')).release()
    await saving
    await late.release()
    await turnOfLoop()
    gated.letGo()
    await turnOfLoop()
    expect(dataOf(await client.get('sid'))).toMatchObject({ n: 1, second: 2 })
  })
})

describe('clear, without swap, in one process', () => {
  it('ends a session for good that a save is about to write', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client({ ...bare(gated), scan: () => gated.scan!() })
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    gated.hold('save')
    live['late'] = 1
    const saving = client.set('sid', live)
    const held = await gated.held('save')
    const clearing = client.clear()
    await turnOfLoop()
    gated.letGo()
    await held.release()
    await Promise.all([saving, clearing])
    expect(await client.get('sid')).toBeNull()
  })
})

describe('clear that was given up, without swap', () => {
  it('removes nothing more: others may have stored it since', async () => {
    const gated = gatedBank(new ReferenceBank())
    const gate = new Gate()
    async function* scan(): ReturnType<NonNullable<Bank['scan']>> {
      await gate.pass('scan')
      yield* gated.scan!()
    }
    const client = new Client({ ...bare(gated), scan }, { timeout: 5 })
    await expect(client.clear()).rejects.toMatchObject(timedOut)
    await gated.save('sid', { payload: JSON.stringify(sessionData({ n: 1 })), expires: null })
    gate.release('scan')
    for (let turn = 0; turn < 5; turn++) await turnOfLoop()
    expect(await gated.read('sid')).not.toBeNull()
  })
})
