import { describe, expect, it } from 'vitest'
import { Client, dataOf, type GatedBank, gatedBank, nextTurn, ReferenceBank, renewAge, sessionData } from './helpers.ts'

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
