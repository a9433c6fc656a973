import type { PendingCall } from '@connect-databank/conformance'
import type { SessionData } from 'express-session'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Bank, extend } from '../src/bank.ts'
import {
  Client,
  dataOf,
  gatedBank,
  MINUTE,
  minutesOf,
  newSession,
  nextTurn,
  ReferenceBank,
  sessionData,
  threeMethods,
  withScan,
} from './helpers.ts'

const owner = (session: SessionData) => (session as SessionData & { user?: string | number }).user

afterEach(() => void vi.useRealTimers())

const withoutIndex = (bank: Bank): Bank => extend(bank, { idsOf: undefined })

const BANKS: [string, (bank: Bank) => Bank][] = [
  ['with an index', (bank) => bank],
  ['with a scan', withoutIndex],
  ['of three methods and a scan', withScan],
]

function open(limit: (bank: Bank) => Bank = (bank) => bank, options: object = {}) {
  const bank = new ReferenceBank()
  return { bank, client: new Client(limit(bank), { owner, ...options }) }
}

async function idsOf(client: Client, user: string | number): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of client.store.sessionsOf(user)) ids.push(id)
  return ids.sort()
}

/** A request's new session. */
async function created(client: Client, user: string) {
  return client.store.createSession({ sessionID: 'sid', sessionStore: client.store } as never, sessionOf(user) as never)
}

const sessionOf = (user: unknown, maxAge?: number | null) => sessionData({ user }, maxAge)

describe.each(BANKS)('the sessions of an owner, on a bank %s,', (_name, limit) => {
  it('are listed with their ids, and those of others are not', async () => {
    const { client } = open(limit)
    await client.set('a1', sessionData({ user: 'ada', n: 1 }))
    await client.set('a2', sessionData({ user: 'ada', n: 2 }))
    await client.set('b1', sessionOf('bob'))
    await client.set('nobody', sessionData())
    const found: unknown[] = []
    for await (const [id, session] of client.store.sessionsOf('ada')) found.push([id, dataOf(session)])
    expect(found.sort()).toEqual([
      ['a1', { user: 'ada', n: 1 }],
      ['a2', { user: 'ada', n: 2 }],
    ])
    expect([await idsOf(client, 'bob'), await idsOf(client, 'carol')]).toEqual([['b1'], []])
  })

  it('may be identified by a number, and are the same as those of its text', async () => {
    const { client } = open(limit)
    await client.set('a', sessionOf(7))
    await client.set('b', sessionOf('7'))
    expect([await idsOf(client, 7), await idsOf(client, '7')]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  it('are without those that have expired, are corrupt, or have another owner by now', async () => {
    const { bank, client } = open(limit)
    for (const id of ['kept', 'expired', 'corrupt', 'moved', 'logged out']) await client.set(id, sessionOf('ada'))
    await bank.touch('expired', Date.now() - 1, Date.now() - MINUTE)
    await bank.save('corrupt', { payload: '{', expires: null, owner: 'ada' })
    await client.set('moved', Object.assign(await client.load('moved'), { user: 'bob' }))
    const live = await client.load('logged out')
    delete live['user']
    await client.set('logged out', live)
    expect([await idsOf(client, 'ada'), await idsOf(client, 'bob')]).toEqual([['kept'], ['moved']])
  })

  it('follow a merge with another request, and an update', async () => {
    const { client } = open(limit)
    await client.set('sid', sessionOf('ada'))
    const [theirs, ours] = [await client.load('sid'), await client.load('sid')]
    await client.set('sid', Object.assign(theirs, { user: 'bob' }))
    await client.set('sid', Object.assign(ours, { n: 1 }))
    expect([await idsOf(client, 'ada'), await idsOf(client, 'bob')]).toEqual([[], ['sid']])
    await client.store.update('sid', (session) => void Object.assign(session, { user: 'carol' }))
    expect([await idsOf(client, 'bob'), await idsOf(client, 'carol')]).toEqual([[], ['sid']])
  })

  it('are all ended by destroySessionsOf, which returns how many', async () => {
    const { client } = open(limit)
    for (const id of ['a1', 'a2', 'a3']) await client.set(id, sessionOf('ada'))
    await client.set('b1', sessionOf('bob'))
    expect(await client.store.destroySessionsOf('ada')).toBe(3)
    expect(await client.store.destroySessionsOf('ada')).toBe(0)
    expect([await idsOf(client, 'ada'), await client.get('a1'), await client.get('b1')]).toEqual([[], null, expect.anything()])
  })

  it('are ended by destroySessionsOf but for the session id `except`', async () => {
    const { client } = open(limit)
    for (const id of ['a1', 'a2', 'a3']) await client.set(id, sessionOf('ada'))
    expect(await client.store.destroySessionsOf('ada', { except: 'a2' })).toBe(2)
    expect(await idsOf(client, 'ada')).toEqual(['a2'])
    expect(await client.store.destroySessionsOf('ada', { except: undefined })).toBe(1)
  })

  it('cannot be written back by a request that runs when they are ended', async () => {
    const { client } = open(limit)
    await client.set('sid', sessionOf('ada'))
    const [saving, touching] = [await client.load('sid'), await client.load('sid')]
    expect(await client.store.destroySessionsOf('ada')).toBe(1)
    const events = client.events()
    await client.set('sid', Object.assign(saving, { late: 1 }))
    touching.cookie.maxAge = 10 * MINUTE
    await client.touch('sid', touching)
    await nextTurn()
    expect([await client.get('sid'), events]).toEqual([null, ['dropped sid']])
  })

  it('are hundreds, and are all found', async () => {
    const { client } = open(limit)
    const ids = Array.from({ length: 350 }, (_, index) => `id${String(index).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => client.set(id, sessionOf('ada'))))
    expect(await idsOf(client, 'ada')).toEqual(ids)
    expect(await client.store.destroySessionsOf('ada')).toBe(350)
  })

  it('of older sessions are stored by reindexOwners, which changes nothing else', async () => {
    const { bank, client } = open(limit)
    const before = new Client(limit(bank))
    await before.set('a', sessionData({ user: 'ada', n: 1 }))
    await before.set('browser', sessionOf('ada', null))
    await before.set('nobody', sessionData())
    await client.set('new', sessionOf('ada'))
    const expiries = async () => [(await bank.read('a'))?.expires, (await bank.read('browser'))?.expires]
    const [found, stored] = [await client.get('a'), await expiries()]
    await nextTurn()
    expect(await client.store.reindexOwners()).toBe(2)
    expect(await client.store.reindexOwners()).toBe(0)
    const owners = async () => [(await bank.read('a'))?.owner, (await bank.read('nobody'))?.owner ?? null]
    expect([await owners(), await client.get('a'), await expiries()]).toEqual([['ada', null], found, stored])
    expect(await idsOf(client, 'ada')).toEqual(['a', 'browser', 'new'])
  })

  it('of a session that is destroyed while reindexOwners runs is not brought back', async () => {
    const reference = new ReferenceBank()
    await new Client(reference).set('sid', sessionOf('ada'))
    const gated = gatedBank(limit(reference))
    const client = new Client(gated, { owner })
    gated.hold('read')
    const reindexing = client.store.reindexOwners()
    const held = await gated.held('read')
    await reference.delete('sid')
    gated.releaseAll()
    await held.release()
    expect([await reindexing, await client.get('sid')]).toEqual([0, null])
  })

  it('are limited by maxSessionsPerOwner: the oldest are ended', async () => {
    const { client } = open(limit, { maxSessionsPerOwner: 2 })
    for (const id of ['first', 'second', 'third', 'fourth']) {
      await client.set(id, sessionOf('ada'))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await client.set('other', sessionOf('bob'))
    expect([await idsOf(client, 'ada'), await idsOf(client, 'bob')]).toEqual([['fourth', 'third'], ['other']])
  })
})

describe('the index of owners', () => {
  it('gets the owner of an older session by its next touch', async () => {
    const { bank, client } = open()
    await new Client(bank).set('sid', sessionOf('ada'))
    expect(await idsOf(client, 'ada')).toEqual([])
    const live = await client.load('sid')
    await client.touch('sid', live)
    expect([await idsOf(client, 'ada'), (await bank.read('sid'))?.owner]).toEqual([['sid'], 'ada'])
  })

  it('gets it by the touch of a session that was never loaded, from the stored data', async () => {
    const { bank, client } = open()
    await new Client(bank).set('sid', sessionOf('ada'))
    await client.touch('sid', sessionOf('mallory'))
    expect((await bank.read('sid'))?.owner).toBe('ada')
  })

  it('does not follow data that were not saved', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { owner })
    await client.set('sid', sessionOf('ada'))
    const live = await client.load('sid')
    live['user'] = 'mallory'
    await client.touch('sid', live)
    expect(bank.calls('swap')).toBe(0)
    live.cookie.maxAge = 5 * MINUTE
    await client.touch('sid', live)
    expect([(await bank.read('sid'))?.owner, dataOf(await client.get('sid'))]).toEqual(['ada', { user: 'ada' }])
  })

  it('is written by a touch once, not each time', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { owner })
    await client.set('sid', sessionOf('ada'))
    for (let time = 0; time < 3; time++) {
      const live = await client.load('sid')
      await client.touch('sid', live)
    }
    expect([gated.calls('touch'), gated.calls('swap')]).toEqual([3, 0])
  })

  it('is not believed about a session that gets another owner while the list is read', async () => {
    const reference = new ReferenceBank()
    const gated = gatedBank(reference)
    const [client, other] = [new Client(gated, { owner }), new Client(reference, { owner })]
    await client.set('sid', sessionOf('ada'))
    gated.hold('readMany')
    const listing = idsOf(client, 'ada')
    const held = await gated.held('readMany')
    await other.set('sid', sessionOf('bob'))
    await held.release()
    expect(await listing).toEqual([])
  })

  it('has a session as soon as its save has ended', async () => {
    const { client } = open()
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await client.set(`id${index}`, sessionOf('ada'))
        expect(await idsOf(client, 'ada')).toContain(`id${index}`)
      }),
    )
  })

  it('is not needed: without index and scan, the error says so', async () => {
    const { client } = open(threeMethods)
    await client.set('sid', sessionOf('ada'))
    const lacking = { code: 'DATABANK_NOT_SUPPORTED' }
    await expect(idsOf(client, 'ada')).rejects.toMatchObject(lacking)
    await expect(client.store.destroySessionsOf('ada')).rejects.toMatchObject(lacking)
    await expect(client.store.reindexOwners()).rejects.toMatchObject(lacking)
  })

  it('is read without the option owner as well, and reindexOwners needs the option', async () => {
    const { bank, client } = open()
    await client.set('sid', sessionOf('ada'))
    const admin = new Client(bank)
    expect(await idsOf(admin, 'ada')).toEqual(['sid'])
    expect(await admin.store.destroySessionsOf('ada')).toBe(1)
    await expect(admin.store.reindexOwners()).rejects.toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
  })
})

describe('a bank without an index of owners', () => {
  const live = async (client: Client) => client.load('sid')

  it('that stores no owners gets no write for them: neither a set without changes nor a touch writes anything', async () => {
    const reference = new ReferenceBank()
    const withoutOwners = extend(withoutIndex(reference), {
      swap: (id, expected, entry, now) => reference.swap(id, expected, { ...entry, owner: null }, now),
    })
    const bank = gatedBank(withoutOwners)
    const client = new Client(bank, { owner })
    await client.set('sid', await created(client, 'ada'))
    const before = bank.calls('swap')
    await client.set('sid', await live(client))
    await client.touch('sid', await live(client))
    expect([bank.calls('swap') - before, await idsOf(client, 'ada')]).toEqual([0, ['sid']])
  })

  it.each(['set', 'touch', 'reindexOwners'] as const)(
    'that has stored another owner gets the right one by %s',
    async (method) => {
      const reference = new ReferenceBank()
      await new Client(reference, { owner: () => 'mallory' }).set('sid', sessionOf('ada'))
      const client = new Client(withoutIndex(reference), { owner })
      if (method === 'reindexOwners') expect(await client.store.reindexOwners()).toBe(1)
      else await client[method]('sid', await live(client))
      expect((await reference.read('sid'))?.owner).toBe('ada')
    },
  )
})

describe('without the option owner, the stored owner stays', () => {
  async function setUp(options: object = {}) {
    const bank = gatedBank(new ReferenceBank())
    const other = new Client(bank, { owner })
    await other.set('sid', sessionOf('ada'))
    const ownerNow = async () => (await bank.read('sid'))?.owner ?? null
    return { bank, other, ownerNow, client: new Client(bank, options) }
  }

  it('when a request changes the session', async () => {
    const { client, ownerNow } = await setUp()
    const live = await client.load('sid')
    await client.set('sid', Object.assign(live, { n: 1 }))
    await client.set('sid', Object.assign(live, { n: 2 }))
    expect([await ownerNow(), dataOf(await client.get('sid'))]).toEqual(['ada', { user: 'ada', n: 2 }])
  })

  it('when a request changes the cookie', async () => {
    const { client, ownerNow } = await setUp()
    const live = await client.load('sid')
    live.cookie.maxAge = 5 * MINUTE
    await client.touch('sid', live)
    expect([await ownerNow(), minutesOf((await client.get('sid'))?.cookie.originalMaxAge)]).toEqual(['ada', 5])
  })

  it('when update changes the session', async () => {
    const { client, ownerNow } = await setUp()
    await client.store.update('sid', (session) => void Object.assign(session, { n: 1 }))
    expect([await ownerNow(), dataOf(await client.get('sid'))]).toEqual(['ada', { user: 'ada', n: 1 }])
  })

  it.each([
    ['', {}],
    [', by a merge of the application', { merge: (_base: object, _theirs: object, ours: object) => ours }],
  ])('as another request has stored it meanwhile%s', async (_name, options) => {
    const { client, other, ownerNow } = await setUp(options)
    const live = await client.load('sid')
    await other.set('sid', Object.assign(await other.load('sid'), { user: 'bob' }))
    await client.set('sid', Object.assign(live, { n: 1 }))
    expect([await ownerNow(), (await client.get('sid'))?.['n']]).toEqual(['bob', 1])
  })

  it('as reindexOwners has stored it meanwhile', async () => {
    const { bank, client, ownerNow } = await setUp()
    const live = await client.load('sid')
    const { payload, expires } = (await bank.read('sid'))!
    await bank.save('sid', { payload, expires, owner: 'bob' })
    await client.set('sid', Object.assign(live, { n: 1 }))
    expect(await ownerNow()).toBe('bob')
  })

  it('and is no reason to write a session that has not changed', async () => {
    const { bank, client } = await setUp()
    await client.set('sid', await client.load('sid'))
    expect([bank.calls('swap'), bank.calls('save')]).toEqual([0, 1])
  })
})

describe('the option owner', () => {
  it.each([undefined, null, ''])('may return %o: the session is nobody’s', async (value) => {
    const bank = new ReferenceBank()
    const client = new Client(bank, { owner: () => value })
    await client.set('sid', sessionData())
    expect((await bank.read('sid'))?.owner ?? null).toBeNull()
  })

  it.each([
    ['an object', { id: 7 }],
    ['true', true],
    ['NaN', Number.NaN],
    ['text of 1,025 bytes', 'x'.repeat(1_025)],
    ['malformed text', 'a\ud800'],
    ['a promise', Promise.resolve('ada')],
  ])('must not return %s: the session is refused', async (_name, value) => {
    const client = new Client(new ReferenceBank(), { owner: () => value as never })
    await expect(client.set('sid', sessionData())).rejects.toMatchObject({
      code: 'DATABANK_INVALID_SESSION',
      message: 'owner must return a text of at most 1024 bytes, a number or null',
    })
  })

  it('may return 1,024 bytes', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank, { owner: () => 'x'.repeat(1_024) })
    await client.set('sid', sessionData())
    expect(await idsOf(client, 'x'.repeat(1_024))).toEqual(['sid'])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['no text', ''],
    ['NaN', Number.NaN],
    ['text of 1,025 bytes', 'x'.repeat(1_025)],
    ['malformed text', 'a\ud800'],
    ['an object', {}],
  ])('is never %s: nobody can ask for it', async (_name, user) => {
    const { client } = open()
    const refused = { code: 'DATABANK_INVALID_OPTION' }
    await expect(client.store.destroySessionsOf(user as string)).rejects.toMatchObject(refused)
    await expect(idsOf(client, user as string)).rejects.toMatchObject(refused)
  })

  it('that throws refuses the session, with its error as the cause', async () => {
    const cause = new Error('no user')
    const client = new Client(new ReferenceBank(), {
      owner: () => {
        throw cause
      },
    })
    await expect(client.set('sid', sessionData())).rejects.toMatchObject({
      code: 'DATABANK_INVALID_SESSION',
      message: 'owner: no user',
      cause,
    })
  })
})

describe('the sessions of an owner, encrypted,', () => {
  const [older, newer] = ['a'.repeat(64), 'b'.repeat(64)]

  it('are all ended, though one is rewritten with the newest key meanwhile', async () => {
    const table: ConstructorParameters<typeof ReferenceBank>[0] = new Map()
    await new Client(new ReferenceBank(table), { owner, encryption: { keys: [older] } }).set('sid', sessionOf('ada'))
    const encryption = { keys: [newer, older] }
    const writing = new Client(new ReferenceBank(table), { owner, encryption })
    const live = await writing.load('sid')
    const bank = new ReferenceBank(table)
    let lookups = 0
    async function* idsWhileWriting(digest: string) {
      if (++lookups === 2) await writing.set('sid', Object.assign(live, { n: 1 }))
      yield* bank.idsOf(digest)
    }
    const ending = new Client(extend(bank, { idsOf: idsWhileWriting }), { owner, encryption })
    expect(await ending.store.destroySessionsOf('ada')).toBe(1)
    expect(await writing.get('sid')).toBeNull()
  })

  it('are found once each, though a key is given twice', async () => {
    const { client } = open((bank) => bank, { maxSessionsPerOwner: 2, encryption: { keys: [older, older] } })
    for (const sid of ['a', 'b']) await client.set(sid, sessionOf('ada'))
    expect(await idsOf(client, 'ada')).toEqual(['a', 'b'])
  })
})

describe('maxSessionsPerOwner', () => {
  const limited = (max: number) => open((bank) => bank, { maxSessionsPerOwner: max })
  const later = () => new Promise((resolve) => setTimeout(resolve, 2))

  it('never ends the session that was just saved, nor those of nobody', async () => {
    const { client } = limited(1)
    await client.set('nobody1', sessionData())
    await client.set('nobody2', sessionData())
    await client.set('a1', sessionOf('ada'))
    await later()
    await client.set('a2', sessionOf('ada'))
    expect([await idsOf(client, 'ada'), await client.store.length()]).toEqual([['a2'], 3])
  })

  it('counts a session that becomes the owner’s by a login', async () => {
    const { client } = limited(1)
    await client.set('old', sessionOf('ada'))
    await later()
    await client.set('visitor', sessionData())
    const live = await client.load('visitor')
    await client.set('visitor', Object.assign(live, { user: 'ada' }))
    expect(await idsOf(client, 'ada')).toEqual(['visitor'])
  })

  it('counts a session as new that becomes the owner’s by a login, however old it is', async () => {
    const { client } = limited(1)
    await client.set('visitor', sessionData())
    await later()
    await client.set('phone', sessionOf('ada'))
    await later()
    const live = await client.load('visitor')
    await client.set('visitor', Object.assign(live, { user: 'ada' }))
    expect(await idsOf(client, 'ada')).toEqual(['visitor'])
  })

  it.each([
    [1, ['a']],
    [2, ['a', 'b']],
  ])('of %i leaves exactly as many of three parallel logins, the newest, in whatever order they end', async (max, kept) => {
    for (const order of ['abc', 'bca', 'cab']) {
      const bank = gatedBank(new ReferenceBank())
      const clients = [1, 2, 3].map(() => new Client(bank, { owner, maxSessionsPerOwner: max }))
      bank.hold('save', 'readMany')
      const logins: Promise<void>[] = []
      const saves: PendingCall[] = []
      for (const [index, id] of ['c', 'b', 'a'].entries()) {
        logins.push(clients[index]!.set(id, sessionOf('ada')))
        saves.push(await bank.held('save'))
        await later()
      }
      for (const save of saves) await save.perform()
      // All are stored now, and each lists all.
      const lists = new Map<string, PendingCall>()
      for (const [index, id] of ['c', 'b', 'a'].entries()) {
        await saves[index]!.release()
        lists.set(id, await bank.held('readMany'))
      }
      for (const id of order) await lists.get(id)!.release()
      await Promise.all(logins)
      bank.releaseAll()
      expect(await idsOf(clients[0]!, 'ada'), order).toEqual(kept)
    }
  })

  it('orders sessions of the same millisecond by their ids', async () => {
    const created = Date.now() - MINUTE
    const bank = new ReferenceBank()
    const client = new Client(bank, { owner, maxSessionsPerOwner: 2 })
    const payload = JSON.stringify({ ...sessionOf('ada'), __databank: { created } })
    for (const id of ['b', 'c', 'a']) await bank.save(id, { payload, expires: null, owner: 'ada' })
    await client.set('new', sessionOf('ada'))
    expect(await idsOf(client, 'ada')).toEqual(['c', 'new'])
  })

  it('goes by when a session was created, not by when it was saved last', async () => {
    const { client } = limited(2)
    for (const id of ['first', 'second']) {
      await client.set(id, sessionOf('ada'))
      await later()
    }
    await client.set('first', Object.assign(await client.load('first'), { n: 1 }))
    await client.set('third', sessionOf('ada'))
    expect(await idsOf(client, 'ada')).toEqual(['second', 'third'])
  })

  it('goes by that in whatever order the bank lists the sessions', async () => {
    const { bank, client } = limited(2)
    for (const id of ['first', 'second']) {
      await client.set(id, sessionOf('ada'))
      await later()
    }
    const oldest = (await bank.read('first'))!
    await bank.delete('first')
    await bank.save('first', oldest)
    await client.set('third', sessionOf('ada'))
    expect(await idsOf(client, 'ada')).toEqual(['second', 'third'])
  })

  it('leaves a save of a session that was the owner’s before alone: it lists nothing', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { owner, maxSessionsPerOwner: 1 })
    await client.set('sid', sessionOf('ada'))
    const reads = gated.calls('readMany')
    const live = await client.load('sid')
    await client.set('sid', Object.assign(live, { n: 1 }))
    await client.set('sid', Object.assign(live, { n: 2 }))
    expect(gated.calls('readMany')).toBe(reads)
  })

  it('lets the newest of two parallel logins stay, though the other one saves its new session twice', async () => {
    const table: ConstructorParameters<typeof ReferenceBank>[0] = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [first, second] = [gated, new ReferenceBank(table)].map((bank) => new Client(bank, { owner, maxSessionsPerOwner: 1 }))
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    const older = newSession({ user: 'ada' })
    gated.hold('swap', 'delete')
    const saving = first!.set('older', older)
    const swap = await gated.held('swap')
    vi.setSystemTime(1_000_001)
    await second!.set('newer', newSession({ user: 'ada' }))
    vi.setSystemTime(1_000_002)
    const again = first!.set('older', Object.assign(older, { flash: 'welcome' }))
    await swap.release()
    await (await gated.held('swap')).release()
    await nextTurn()
    gated.releaseAll()
    await Promise.all([saving, again])
    expect(await idsOf(second!, 'ada')).toEqual(['newer'])
  })

  it('counts the session as the owner’s whose it was when it was saved', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { owner, maxSessionsPerOwner: 1 })
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    await client.set('old', newSession({ user: 'ada' }))
    vi.setSystemTime(1_000_001)
    const live = newSession({ user: 'ada' })
    gated.hold('swap')
    const saving = client.set('new', live)
    const swap = await gated.held('swap')
    live['user'] = undefined
    gated.releaseAll()
    await swap.release()
    await saving
    expect(await idsOf(client, 'ada')).toEqual(['new'])
  })

  it('ends none for a save that was dropped', async () => {
    const { client } = limited(1)
    await client.set('a1', sessionOf('ada'))
    await client.set('visitor', sessionData())
    const live = await client.load('visitor')
    await client.destroy('visitor')
    await client.set('visitor', Object.assign(live, { user: 'ada' }))
    expect(await idsOf(client, 'ada')).toEqual(['a1'])
  })
})
