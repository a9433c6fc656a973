import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isLive, versionOf } from '../src/bank.ts'
import { Client, dataOf, gatedBank, ReferenceBank, sessionData } from './helpers.ts'

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const utf16 = (text: string) => Buffer.from(text, 'utf16le')

/** The id that a session with this session id is stored under. */
async function storedIdOf(sid: string): Promise<string> {
  const bank = new ReferenceBank()
  await new Client(bank).set(sid, sessionData())
  for await (const [id] of bank.scan()) return id
  throw new Error('nothing is stored')
}

describe('the id that a bank gets', () => {
  it.each(['a', '../x', '__proto__', 'toString', '*', 'a b', '\0', '😀', ' trailing ', 'é', 'x'.repeat(200), '€'.repeat(66)])(
    'is the session id %j, which is well-formed and of at most 200 bytes',
    async (sid) => {
      expect(await storedIdOf(sid)).toBe(sid)
    },
  )

  it.each([
    ['of 201 bytes', 'x'.repeat(201)],
    ['of 201 bytes, in 67 characters', '€'.repeat(67)],
    ['of a megabyte', 'x'.repeat(2 ** 20)],
  ])('is the SHA-256 of a session id %s', async (_name, sid) => {
    expect(await storedIdOf(sid)).toBe(sha256(sid))
  })

  it.each([
    ['a lone surrogate', '\ud800'],
    ['another lone surrogate', 'a\udfff'],
    ['surrogates in the wrong order', '\udfff\ud800'],
  ])('is the SHA-256 of a session id with %s, which UTF-8 cannot hold', async (_name, sid) => {
    expect(await storedIdOf(sid)).toBe(sha256(utf16(sid)))
  })

  it('is another one for malformed session ids that differ', async () => {
    const ids = await Promise.all(['\ud800', '\ud801', '\udc00', 'a\ud800', '\ud800a', '\ufffd'].map(storedIdOf))
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe.each([
  ['long', 'x'.repeat(300)],
  ['malformed', 'a\ud800b'],
])('a %s session id', (_name, sid) => {
  it('is served by every operation', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set(sid, sessionData({ n: 1 }))
    const live = await client.load(sid)
    await client.touch(sid, live)
    await client.set(sid, Object.assign(live, { n: 2 }))
    await client.store.update(sid, (session) => void Object.assign(session, { m: 3 }))
    expect(dataOf(await client.get(sid))).toEqual({ n: 2, m: 3 })
    await client.destroy(sid)
    expect(await client.get(sid)).toBeNull()
    expect(bank.calls('delete')).toBe(1)
  })

  it('is listed as the id that it is stored under, by which it can be ended', async () => {
    const client = new Client(new ReferenceBank(), { owner: () => 'ada' })
    await client.set(sid, sessionData())
    const listed: string[] = []
    for await (const [id] of client.store.entries()) listed.push(id)
    for await (const [id] of client.store.sessionsOf('ada')) listed.push(id)
    const [first] = (await client.store.all()) as unknown as [{ id: string }]
    expect([first.id, ...listed]).toEqual([listed[0], listed[0], listed[0]])
    expect(listed[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(await client.store.destroyById(listed[0]!)).toBe(true)
    expect(await client.store.destroyById(listed[0]!)).toBe(false)
    expect(await client.get(sid)).toBeNull()
  })

  it('can be excepted from destroySessionsOf', async () => {
    const client = new Client(new ReferenceBank(), { owner: () => 'ada' })
    await client.set(sid, sessionData())
    await client.set('other', sessionData())
    expect(await client.store.destroySessionsOf('ada', { except: sid })).toBe(1)
    expect([await client.get('other'), await client.get(sid)]).toEqual([null, expect.anything()])
  })
})

describe('an entry', () => {
  it('is live before its expiry, and at no later millisecond', () => {
    const entry = { payload: 'x', expires: 10 }
    expect([isLive(entry, 9), isLive(entry, 10), isLive(entry, 11)]).toEqual([true, false, false])
    expect(isLive({ ...entry, expires: null }, Number.MAX_VALUE)).toBe(true)
    expect([isLive(null, 0), isLive(undefined, 0)]).toEqual([false, false])
  })

  it('has its own version, or its payload is the version', () => {
    expect(versionOf({ payload: 'x', expires: null, version: 'v1' })).toBe('v1')
    expect(versionOf({ payload: 'x', expires: null })).toBe('x')
  })
})
