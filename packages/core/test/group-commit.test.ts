import type { SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import { DatabankError } from '../src/errors.ts'
import { Client, dataOf, gatedBank, MINUTE, nextTurn, ReferenceBank, renewAge, sessionData } from './helpers.ts'

/** A store with a session, and a live one of it for each name. */
async function requests<Name extends string>(
  names: readonly Name[],
  options: object = {},
  bank = gatedBank(new ReferenceBank()),
) {
  const client = new Client(bank, options)
  await client.set('sid', sessionData({ n: 0 }))
  const live = {} as Record<Name, Record<string, unknown>>
  for (const name of names) live[name] = (await client.load('sid')) as never
  const save = (name: Name, value: unknown) => {
    ;(live[name] as Record<string, unknown>)[name] = value
    renewAge(live[name] as never)
    return client.set('sid', live[name] as never)
  }
  return { bank, client, live, save }
}

describe('writes of one session that wait for each other', () => {
  it('are sent as one, and none is lost', async () => {
    const { bank, client, save } = await requests(['first', 'a', 'b', 'c'])
    bank.hold('swap')
    const reads = bank.calls('read')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const others = [save('a', 1), save('b', 1), save('c', 1)]
    await nextTurn()
    expect(bank.calls('swap')).toBe(1)
    bank.releaseAll()
    await call.release()
    await Promise.all([first, ...others])
    expect(bank.calls('swap')).toBe(2)
    // What the first has stored is known: a read would be one more round trip.
    expect(bank.calls('read')).toBe(reads)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, a: 1, b: 1, c: 1 })
  })

  it('do not include one that comes when they are being sent: it is sent after them', async () => {
    const { bank, client, save } = await requests(['first', 'a', 'b', 'late'])
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const others = [save('a', 1), save('b', 1)]
    await call.release()
    const group = await bank.held('swap')
    const late = save('late', 1)
    await nextTurn()
    await group.release()
    await Promise.all(others)
    await (await bank.held('swap')).release()
    bank.releaseAll()
    await Promise.all([first, late])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, a: 1, b: 1, late: 1 })
  })

  it('are merged anew when another process is faster', async () => {
    const { bank, client, save } = await requests(['first', 'a', 'b'])
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const others = [save('a', 1), save('b', 1)]
    await call.release()
    const group = await bank.held('swap')
    const elsewhere = new Client(new Proxy(bank, { get: (target, name) => Reflect.get(target, name) }))
    bank.releaseAll()
    const theirs = await elsewhere.load('sid')
    theirs['theirs'] = 1
    await elsewhere.set('sid', theirs)
    await group.release()
    await Promise.all([first, ...others])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, a: 1, b: 1, theirs: 1 })
  })

  it('are all dropped when the session is destroyed before their turn', async () => {
    const { bank, client, save } = await requests(['first', 'a', 'b'])
    const events = client.events()
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const others = [save('a', 1), save('b', 1)]
    await call.perform()
    await bank.delete('sid')
    bank.releaseAll()
    await call.release()
    await Promise.all([first, ...others])
    await nextTurn()
    expect(events).toEqual(['dropped sid', 'dropped sid'])
    expect(await client.get('sid')).toBeNull()
  })

  it('keep their place before a destroy, and those after it are dropped', async () => {
    const { bank, client, save } = await requests(['first', 'a', 'b'])
    const events = client.events()
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const before = save('a', 1)
    const destroying = client.destroy('sid')
    const after = save('b', 1)
    bank.releaseAll()
    await call.release()
    await Promise.all([first, before, destroying, after])
    await nextTurn()
    expect(events.filter((event) => event.startsWith('dropped'))).toEqual(['dropped sid'])
    expect(await client.get('sid')).toBeNull()
  })

  it('each get the failure, and none counts as written', async () => {
    const { bank, client, live, save } = await requests(['first', 'a', 'b'])
    bank.hold('swap')
    const first = save('first', 1)
    await (await bank.held('swap')).release()
    await first
    const head = save('first', 2)
    const call = await bank.held('swap')
    const others = [save('a', 1), save('b', 1)]
    await call.release()
    await head
    const group = await bank.held('swap')
    group.fail(new Error('gone'))
    bank.releaseAll()
    for (const other of others) await expect(other).rejects.toThrow('gone')
    await client.set('sid', live.a as never)
    await client.set('sid', live.b as never)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 2, a: 1, b: 1 })
  })

  it.each([
    ['the later measures its changes against the earlier', { later: 1 }],
    ['also when the later reverts what the earlier has changed', {}],
  ])('of one request stay apart: %s', async (_, later) => {
    const { bank, client, live, save } = await requests(['first', 'a'])
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const one = save('a', 1)
    delete live.a['a']
    Object.assign(live.a, later)
    const other = client.set('sid', live.a as never)
    bank.releaseAll()
    await call.release()
    await Promise.all([first, one, other])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, ...later })
  })

  it('are sent singly where the caller merges: what fails for one must not fail the others', async () => {
    const merge = (_base: SessionData, theirs: SessionData, ours: SessionData): SessionData => {
      if ('a' in ours) throw new Error('not this one')
      return { ...theirs, ...ours }
    }
    const { bank, client, save } = await requests(['first', 'a', 'b'], { merge })
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const bad = expect(save('a', 1)).rejects.toMatchObject({ code: 'DATABANK_MERGE_FAILED' })
    const good = save('b', 1)
    bank.releaseAll()
    await call.release()
    await Promise.all([first, bad, good])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, b: 1 })
  })

  it('do not fail because the bank refuses one of them', async () => {
    class RefusingBank extends ReferenceBank {
      override async swap(...[id, expected, entry, now]: Parameters<ReferenceBank['swap']>): Promise<string | null> {
        if (entry.payload.includes('too large')) throw new DatabankError('DATABANK_INVALID_SESSION', 'too large')
        return super.swap(id, expected, entry, now)
      }
    }
    const { bank, client, live, save } = await requests(['first', 'a', 'b', 'c'], {}, gatedBank(new RefusingBank()))
    bank.hold('swap')
    const first = save('first', 1)
    const call = await bank.held('swap')
    const before = save('a', 1)
    const refused = expect(save('b', 'too large')).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    const after = save('c', 1)
    bank.releaseAll()
    await call.release()
    await Promise.all([first, before, refused, after])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, a: 1, c: 1 })
    live.b['b'] = 'small'
    await client.set('sid', live.b as never)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, first: 1, a: 1, b: 'small', c: 1 })
  })
})

describe('a touch while a write is under way', () => {
  it('comes after the write, whose own expiry would replace its', async () => {
    const { bank, client, live, save } = await requests(['a', 'b'])
    bank.hold('swap')
    const write = save('a', 1)
    const call = await bank.held('swap')
    const late = Date.now() + 10 * MINUTE
    // Not by its setter, which changes the cookie's age as well: the touch would be a rewrite.
    ;(live.b as { cookie: { _expires: Date } }).cookie._expires = new Date(late)
    const touch = client.touch('sid', live.b as never)
    await nextTurn()
    expect(bank.calls('touch')).toBe(0)
    await call.release()
    await Promise.all([write, touch])
    expect((await bank.read('sid'))?.expires).toBe(late)
  })

  it('makes no get wait', async () => {
    const { bank, client, live, save } = await requests(['a', 'b'])
    bank.hold('swap', 'touch')
    const write = save('a', 1)
    const call = await bank.held('swap')
    const touch = client.touch('sid', live.b as never)
    await call.release()
    await write
    const held = await bank.held('touch')
    expect(dataOf(await client.get('sid'))).toEqual({ n: 0, a: 1 })
    await held.release()
    await touch
  })

  it('is waited for by close', async () => {
    const { bank, client, live, save } = await requests(['a', 'b'])
    bank.hold('swap', 'touch')
    const write = save('a', 1)
    const call = await bank.held('swap')
    const touch = client.touch('sid', live.b as never)
    const closing = client.store.close()
    await call.release()
    const held = await bank.held('touch')
    await nextTurn()
    expect(bank.calls('close')).toBe(0)
    await held.release()
    await Promise.all([write, touch, closing])
  })
})
