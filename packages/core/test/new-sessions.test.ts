// New sessions of requests, above all those whose first save has an unknown result.
import type { SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import {
  Client,
  dataOf,
  type GatedBank,
  gatedBank,
  MINUTE,
  newSession,
  ReferenceBank,
  sessionData,
  threeMethods,
} from './helpers.ts'

/** Saves without an answer in time; the bank stores it now, or when `release` of the call is called. */
async function unanswered(gated: GatedBank, save: () => Promise<void>, when: 'now' | 'later') {
  gated.hold('save', 'swap')
  const failed = expect(save()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  const held = await Promise.race([gated.held('save'), gated.held('swap')])
  if (when === 'now') await held.perform()
  await failed
  return held
}

describe('a first save without an answer in time', () => {
  const open = () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    return { gated, client: new Client(gated, { timeout: 200 }), other: new Client(new ReferenceBank(table)) }
  }

  it('that was stored: the next save leaves alone what others have written since', async () => {
    const { gated, client, other } = open()
    const session = newSession({ n: 1 })
    const held = await unanswered(gated, () => client.set('sid', session), 'now')
    void held.release()
    gated.releaseAll()
    const theirs = await other.load('sid')
    theirs['theirs'] = 1
    await other.set('sid', theirs)
    session['ours'] = 1
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('that is stored after the next save overwrites nothing', async () => {
    const { gated, client, other } = open()
    const session = newSession({ n: 1 })
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
    gated.releaseAll()
    expect(dataOf(await other.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('that was stored, seen, and destroyed since: the next save does not bring the session back', async () => {
    const { gated, client, other } = open()
    const events = client.events()
    const session = newSession({ n: 1 })
    void (await unanswered(gated, () => client.set('sid', session), 'now')).release()
    gated.releaseAll()
    gated.hold('swap')
    const second = client.set('sid', session)
    ;(await gated.held('swap')).fail(new Error('lost'))
    await expect(second).rejects.toThrow()
    gated.releaseAll()
    await other.destroy('sid')
    await client.set('sid', session)
    expect(await other.get('sid')).toBeNull()
    expect(events.filter((event) => event !== 'timeout sid')).toEqual(['dropped sid'])
  })

  it('that was not stored: the next save stores the session, and emits no event', async () => {
    const { gated, client, other } = open()
    const session = newSession({ n: 1 })
    gated.hold('swap')
    const first = client.set('sid', session)
    ;(await gated.held('swap')).fail(new Error('lost'))
    await expect(first).rejects.toThrow()
    gated.releaseAll()
    const events = client.events()
    session['n'] = 2
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 2 })
    session['n'] = 3
    await client.set('sid', session)
    expect(dataOf(await other.get('sid'))).toEqual({ n: 3 })
    expect(events).toEqual([])
  })
})

describe('a first save whose answer is lost or late', () => {
  it.each(['a', 'c'])('and that was stored: the next save loses nothing of what another request has changed: %s', async (key) => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [client, other] = [new Client(gated), new Client(new ReferenceBank(table))]
    const session = newSession({ a: 'ours' })
    gated.hold('swap')
    const first = client.set('sid', session)
    const held = await gated.held('swap')
    await held.perform()
    held.fail(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    gated.releaseAll()
    await other.set('sid', Object.assign(await other.load('sid'), { [key]: 'theirs' }))
    await client.set('sid', Object.assign(session, { b: 'ours' }))
    expect(dataOf(await other.get('sid'))).toEqual({ a: 'ours', b: 'ours', [key]: 'theirs' })
  })

  it.each([{}, { b: 1 }])(
    'does not shorten the expiry that another request has extended meanwhile, by a save of %o',
    async (data) => {
      const table = new Map()
      const gated = gatedBank(new ReferenceBank(table))
      const [client, other] = [new Client(gated), new Client(new ReferenceBank(table))]
      const session = newSession({ a: 1 })
      gated.hold('swap')
      const first = client.set('sid', session)
      const held = await gated.held('swap')
      await held.perform()
      const theirs = await other.load('sid')
      theirs.cookie.expires = new Date(Date.now() + 5 * MINUTE)
      await other.touch('sid', theirs)
      gated.releaseAll()
      await held.release()
      await first
      await client.set('sid', Object.assign(session, data))
      expect((await new ReferenceBank(table).read('sid'))?.expires).toBe(theirs.cookie.expires.getTime())
    },
  )
})

describe('first saves that failed, and wait together to be made again', () => {
  /** A bank whose swaps fail, before or after they have happened, when the test says so. */
  function failing() {
    const bank = new ReferenceBank()
    const current: { fault?: 'before' | 'after' | undefined } = {}
    const swap: Bank['swap'] = async (...args) => {
      const { fault } = current
      if (fault === 'before') throw new Error('lost')
      const version = await bank.swap(...args)
      if (fault === 'after') throw new Error('lost')
      return version
    }
    const gated = gatedBank({ ...threeMethods(bank), swap })
    const client = new Client(gated)
    const failed = async (data: object, fault: 'before' | 'after') => {
      const session = newSession(data)
      current.fault = fault
      await expect(client.set('sid', session)).rejects.toThrow()
      current.fault = undefined
      return session
    }
    /** Saves these, in this order, while the first save of another session of this id is under way, which fails then. */
    const together = async (...sessions: SessionData[]) => {
      gated.hold('swap')
      const before = expect(client.set('sid', newSession({ before: 1 }))).rejects.toThrow()
      const held = await gated.held('swap')
      const saving = sessions.map((session) => client.set('sid', session))
      await bank.delete('sid')
      current.fault = 'before'
      await held.release()
      current.fault = undefined
      gated.releaseAll()
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
    // One that fails, and one for both.
    expect(gated.calls('swap')).toBe(swaps + 2)
    expect(dataOf(await client.get('sid'))).toEqual({ first: 1, a: 1, b: 1 })
  })

  it('are not stored with one of a session that was loaded and is gone: not then, and not later', async () => {
    const { bank, client, failed, together } = failing()
    const events = client.events()
    const session = await failed({ n: 1 }, 'after')
    const loaded = await client.load('sid')
    session['ours'] = 1
    loaded['theirs'] = 1
    await together(session, loaded)
    expect(await bank.read('sid')).toBeNull()
    expect(events).toEqual(['dropped sid', 'dropped sid'])
    await client.set('sid', session)
    expect(await bank.read('sid')).toBeNull()
  })
})

describe.each([
  ['with swap', (bank: GatedBank): Bank => bank],
  ['without swap', threeMethods],
])('a first save on a bank %s', (_name, limit) => {
  it('is one operation, and one more for what was changed since', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    const calls = () => gated.calls('swap') + gated.calls('save') + gated.calls('read')
    const session = newSession({ n: 1 })
    await client.set('sid', session)
    expect(calls()).toBe(1)
    session['n'] = 2
    await client.set('sid', session)
    expect([gated.calls('swap') + gated.calls('save'), dataOf(await client.get('sid'))]).toEqual([2, { n: 2 }])
  })

  it('replaces what was stored: it is another session', async () => {
    const client = new Client(limit(gatedBank(new ReferenceBank())))
    await client.set('sid', sessionData({ old: 1 }))
    await client.set('sid', newSession({ n: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('that failed may be made again', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(limit(gated))
    const session = newSession({ n: 1 })
    gated.hold('save', 'swap')
    const first = client.set('sid', session)
    ;(await Promise.race([gated.held('save'), gated.held('swap')])).fail(new Error('lost'))
    await expect(first).rejects.toThrow()
    gated.releaseAll()
    await client.set('sid', session)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})
