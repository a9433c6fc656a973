import { describe, expect, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import {
  Client,
  dataOf,
  type GatedBank,
  gatedBank,
  MINUTE,
  newSession,
  nextTurn,
  ReferenceBank,
  renewAge,
  sessionData,
  threeMethods,
} from './helpers.ts'

/** A session whose request has set `maybe`, by a save that failed although it was stored. */
async function saveThatFailedLate(gated: GatedBank, client: Client) {
  await client.set('sid', sessionData({ n: 1 }))
  const live = await client.load('sid')
  gated.hold('swap')
  live['maybe'] = 'written'
  const saving = client.set('sid', live)
  const held = await gated.held('swap')
  await held.perform()
  held.fail(new Error('the connection was lost'))
  await expect(saving).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
  gated.releaseAll()
  return live
}

describe('a save with an unknown result', () => {
  it('is reverted by the next save, if the request has reverted the change', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    const live = await saveThatFailedLate(gated, client)
    delete live['maybe']
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('that has timed out before it began is reverted by the next save as well', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 100 })
    await client.set('sid', sessionData({ n: 1 }))
    const [live, other] = [await client.load('sid'), await client.load('sid')]
    gated.hold('swap')
    other['maybe'] = 'theirs'
    const theirs = client.set('sid', other)
    const held = await gated.held('swap')
    live['maybe'] = 'ours'
    await expect(client.set('sid', live)).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    await expect(theirs).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    delete live['maybe']
    const reverting = client.set('sid', live)
    gated.releaseAll()
    await held.release()
    await reverting
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('is repeated by the next save, which leaves alone what others have written meanwhile', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    const live = await saveThatFailedLate(gated, client)
    const other = await client.load('sid')
    other['theirs'] = 1
    await client.set('sid', other)
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, maybe: 'written', theirs: 1 })
  })

  it('does not revert a later change of another request when its answer comes late', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    gated.hold('swap')
    live['first'] = 1
    renewAge(live)
    const saving = client.set('sid', live)
    const held = await gated.held('swap')
    await held.perform()
    await expect(saving).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    live['second'] = 2
    renewAge(live)
    const again = client.set('sid', live)
    for (let round = 0; round < 2; round++) await (await gated.held('swap')).release()
    await again
    await held.release()
    await nextTurn()
    gated.releaseAll()
    const other = await client.load('sid')
    other['second'] = 'theirs'
    await client.set('sid', other)
    live['third'] = 3
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, first: 1, second: 'theirs', third: 3 })
  })
})

it('a save that the bank has refused is not unconfirmed: later ones keep what others wrote', async () => {
  const gated = gatedBank(new ReferenceBank())
  const client = new Client(gated)
  await client.set('sid', sessionData({ a: 0 }))
  const [live, other] = [await client.load('sid'), await client.load('sid')]
  gated.hold('swap')
  const saving = client.set('sid', Object.assign(live, { a: 'too large' }))
  ;(await gated.held('swap')).fail(Object.assign(new Error('too large'), { code: 'DATABANK_INVALID_SESSION' }))
  await expect(saving).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
  gated.releaseAll()
  await client.set('sid', Object.assign(other, { a: 5 }))
  await client.set('sid', Object.assign(live, { a: 0, b: 1 }))
  expect(dataOf(await client.get('sid'))).toEqual({ a: 5, b: 1 })
})

describe.each([
  ['with swap', (bank: Bank) => bank],
  ['with three methods, in one process', threeMethods],
])('a touch with a changed cookie, on a bank %s,', (_name, limit) => {
  /** Requests of one session; the first has tried to save `a`, which failed, before or after it was stored. */
  async function requests(isStored: boolean) {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    await client.set('sid', sessionData({ a: 'base' }))
    const [live, other] = [await client.load('sid'), await client.load('sid')]
    gated.hold('swap', 'save')
    const saving = client.set('sid', Object.assign(live, { a: 'failed' }))
    const held = await Promise.race([gated.held('swap'), gated.held('save')])
    if (isStored) await held.perform()
    held.fail(new Error('lost'))
    await expect(saving).rejects.toThrow('lost')
    gated.releaseAll()
    live.cookie.maxAge = 10 * MINUTE
    return { client, live, other }
  }

  it('after a save that failed leaves alone what another request has written since', async () => {
    const { client, live, other } = await requests(false)
    await client.set('sid', Object.assign(other, { a: 'theirs' }))
    await client.touch('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ a: 'theirs' })
  })

  it('after a save that failed, and was stored, leaves that alone; a later save may revert it', async () => {
    const { client, live } = await requests(true)
    await client.touch('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ a: 'failed' })
    await client.set('sid', Object.assign(live, { a: 'base' }))
    expect(dataOf(await client.get('sid'))).toEqual({ a: 'base' })
  })

  it('does not create a new session whose first save has failed', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    const session = newSession({ n: 1 })
    gated.hold('swap', 'save')
    const saving = client.set('sid', session)
    ;(await Promise.race([gated.held('swap'), gated.held('save')])).fail(new Error('lost'))
    await expect(saving).rejects.toThrow('lost')
    gated.releaseAll()
    session.cookie.path = '/other'
    await client.touch('sid', session)
    expect(await client.get('sid')).toBeNull()
    await client.set('sid', session)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})
