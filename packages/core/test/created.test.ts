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

/** The required methods alone. */
function bareBank(bank: Bank): Bank {
  return {
    read: (id) => bank.read(id),
    save: (id, entry) => bank.save(id, entry),
    delete: (id) => bank.delete(id),
  }
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

describe('first saves that failed, and wait together to be made again', () => {
  /** A bank whose swaps fail when they are told to, before or after they happen. */
  function failing() {
    const bank = new ReferenceBank()
    const told: { fault?: 'before' | 'after' | undefined } = {}
    const swap: Bank['swap'] = async (...args) => {
      const { fault } = told
      if (fault === 'before') throw new Error('lost')
      const isDone = await bank.swap(...args)
      if (fault === 'after') throw new Error('lost')
      return isDone
    }
    const gated = gatedBank({ ...bareBank(bank), swap })
    const client = new Client(gated)
    const failed = async (data: object, fault: 'before' | 'after') => {
      const session = created(data)
      told.fault = fault
      await expect(client.set('sid', session)).rejects.toThrow()
      told.fault = undefined
      return session
    }
    /** Saves these, in this order, while the first save of another session of this id is under way, which fails then. */
    const together = async (...sessions: SessionData[]) => {
      gated.hold('swap')
      const before = expect(client.set('sid', created({ before: 1 }))).rejects.toThrow()
      const held = await gated.held('swap')
      const saving = sessions.map((session) => client.set('sid', session))
      await bank.delete('sid')
      told.fault = 'before'
      await held.release()
      told.fault = undefined
      gated.letGo()
      await Promise.all([before, ...saving])
    }
    return { bank, gated, client, failed, together }
  }

  it('are stored as one: the first whole, and what the next has changed since its own', async () => {
    const { gated, client, failed, together } = failing()
    const [first, second] = [await failed({ first: 1 }, 'before'), await failed({ second: 1 }, 'before')]
    Object.assign(first, { a: 1 })
    Object.assign(second, { b: 1 })
    const swaps = gated.calls('swap')
    await together(first, second)
    // That which fails, and one for both.
    expect(gated.calls('swap')).toBe(swaps + 2)
    expect(dataOf(await client.get('sid'))).toEqual({ first: 1, a: 1, b: 1 })
  })

  it('are not stored with one of a session that was loaded, and is gone: not then, and not later', async () => {
    const { bank, client, failed, together } = failing()
    const told = client.events()
    const session = await failed({ n: 1 }, 'after')
    const loaded = await client.load('sid')
    session['ours'] = 1
    loaded['theirs'] = 1
    await together(session, loaded)
    expect(await bank.read('sid')).toBeNull()
    expect(told).toEqual(['dropped sid', 'dropped sid'])
    await client.set('sid', session)
    expect(await bank.read('sid')).toBeNull()
  })
})

describe.each([
  ['with swap', (bank: GatedBank): Bank => bank],
  ['without swap', bareBank],
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
