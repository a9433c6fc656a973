import { describe, expect, it } from 'vitest'
import { Client, dataOf, gatedBank, ReferenceBank, sessionData } from './helpers.ts'

describe('in one process', () => {
  it('a get waits for a set of the same id that is under way, and for no other', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('other', sessionData({ n: 0 }))
    bank.hold('save')
    const saving = client.set('sid', sessionData({ n: 1 }))
    const held = await bank.held('save')
    const reading = client.get('sid')
    expect(dataOf(await client.get('other'))).toEqual({ n: 0 })
    await held.release()
    await saving
    expect(dataOf(await reading)).toEqual({ n: 1 })
  })

  it('writes of one session reach the bank in the order of the calls', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const saves = [1, 2, 3].map((n) => client.set('sid', sessionData({ n })))
    for (const _ of saves) await (await bank.held('save')).release()
    await Promise.all(saves)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 3 })
  })

  it('set stores the session as it is at the call, whatever is done to it later', async () => {
    const client = new Client(new ReferenceBank())
    const data = { ...sessionData(), n: 1, deep: { list: [1] } }
    const saving = client.set('sid', data)
    data.n = 2
    data.deep.list.push(2)
    await saving
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, deep: { list: [1] } })
  })

  it('set and touch leave the session that they are given as it was', async () => {
    const client = new Client(new ReferenceBank())
    const data = Object.freeze(sessionData({ n: 1 }))
    const before = JSON.stringify(data)
    await client.set('sid', data)
    await client.touch('sid', data)
    expect(JSON.stringify(data)).toBe(before)
  })
})
