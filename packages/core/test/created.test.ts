// A new session whose first save has an outcome that nobody knows.
import { type GatedBank, gatedBank } from '@connect-databank/conformance'
import type { SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import { Client, dataOf, sessionData } from './kit.ts'

/** A session that a request has made: express-session's own has its request, which isn't enumerable. */
function created(data: object): SessionData & Record<string, unknown> {
  return Object.defineProperty(sessionData(data), 'req', { value: {}, enumerable: false }) as never
}

/** Saves; the bank does it now, or when `release` of what this gives is called, and has no answer in time. */
async function unanswered(gated: GatedBank, saving: () => Promise<void>, when: 'now' | 'later') {
  gated.hold('save', 'swap')
  const failed = expect(saving()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  const held = await Promise.race([gated.held('save'), gated.held('swap')])
  if (when === 'now') await held.perform()
  await failed
  return held
}

describe('a first save that was not answered in time', () => {
  const opened = () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    return { gated, client: new Client(gated, { timeout: 200 }), other: new Client(new ReferenceBank(place)) }
  }

  it('and had happened: the next leaves alone what others have written since', async () => {
    const { gated, client, other } = opened()
    const session = created({ n: 1 })
    const held = await unanswered(gated, () => client.set('sid', session), 'now')
    void held.release()
    gated.letGo()
    const theirs = await other.load('sid')
    theirs['theirs'] = 1
    await other.set('sid', theirs)
    session['ours'] = 1
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('and happens after the next: it overwrites nothing', async () => {
    const { gated, client, other } = opened()
    const session = created({ n: 1 })
    const late = await unanswered(gated, () => client.set('sid', session), 'later')
    session['ours'] = 1
    const saving = client.set('sid', session)
    const next = await Promise.race([gated.held('save'), gated.held('swap')])
    await next.release()
    await saving
    const theirs = await other.load('sid')
    theirs['theirs'] = 1
    await other.set('sid', theirs)
    await late.release()
    gated.letGo()
    expect(dataOf(await other.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('and had happened: the next does not bring the session back when it was seen, and destroyed since', async () => {
    const { gated, client, other } = opened()
    const told = client.events()
    const session = created({ n: 1 })
    void (await unanswered(gated, () => client.set('sid', session), 'now')).release()
    gated.letGo()
    gated.hold('swap')
    const second = client.set('sid', session)
    ;(await gated.held('swap')).fail(new Error('lost'))
    await expect(second).rejects.toThrow()
    gated.letGo()
    await other.destroy('sid')
    await client.set('sid', session)
    expect(await other.get('sid')).toBeNull()
    expect(told.filter((event) => event !== 'timeout sid')).toEqual(['dropped sid'])
  })

  it('and had not happened: the next stores it, and tells of nothing', async () => {
    const { gated, client, other } = opened()
    const session = created({ n: 1 })
    gated.hold('swap')
    const first = client.set('sid', session)
    ;(await gated.held('swap')).fail(new Error('lost'))
    await expect(first).rejects.toThrow()
    gated.letGo()
    const told = client.events()
    session['n'] = 2
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 2 })
    session['n'] = 3
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 3 })
    expect(told).toEqual([])
  })
})

describe.each([
  ['with swap', (bank: GatedBank): Bank => bank],
  [
    'without swap',
    (bank: GatedBank): Bank => ({
      read: (id) => bank.read(id),
      save: (id, entry) => bank.save(id, entry),
      delete: (id) => bank.delete(id),
    }),
  ],
])('a first save %s', (_name, limit) => {
  it('is one operation, and one more of what was changed since too', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    const calls = () => gated.calls('swap') + gated.calls('save') + gated.calls('read')
    const session = created({ n: 1 })
    await client.set('sid', session)
    expect(calls()).toBe(1)
    session['n'] = 2
    await client.set('sid', session)
    expect([gated.calls('swap') + gated.calls('save'), dataOf(await client.get('sid'))]).toEqual([2, { n: 2 }])
  })

  it('takes the place of what was there: it is another session', async () => {
    const client = new Client(limit(gatedBank(new ReferenceBank())))
    await client.set('sid', sessionData({ old: 1 }))
    await client.set('sid', created({ n: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('that failed may be made again', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    const session = created({ n: 1 })
    gated.hold('save', 'swap')
    const first = client.set('sid', session)
    ;(await Promise.race([gated.held('save'), gated.held('swap')])).fail(new Error('lost'))
    await expect(first).rejects.toThrow()
    gated.letGo()
    await client.set('sid', session)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})
