// reencrypt: the newest key and hashed ids, while the application goes on.
import { gatedBank } from '@connect-databank/conformance'
import { type Bank, DatabankStore } from 'connect-databank'
import { describe, expect, it } from 'vitest'
import { idOf, inMemory, MINUTE, ownerOf, run, sessionData } from './support.ts'

const OLD = 'a'.repeat(64)
const NEWEST = 'b'.repeat(64)
const FOREIGN = 'c'.repeat(64)
const ROTATED = { SESSION_ENCRYPTION_KEYS: `${NEWEST}, ${OLD}` }

async function encryptedWith(keys: readonly string[] | undefined, layer?: (bank: Bank) => Bank) {
  const memory = inMemory({
    ...(keys && { config: { encryption: { keys } } }),
    ...(layer && { layer }),
  })
  await memory.store.set(idOf('ada'), sessionData({ user: 'ada', n: 1 }))
  await memory.store.set(idOf('bob'), sessionData({ user: 'bob', n: 2 }))
  /** The store of an application with these options. */
  const application = (options: object) =>
    new DatabankStore({ bank: memory.bank, owner: ownerOf, cleanupInterval: null, ...options })
  return { ...memory, application }
}

const newest = { encryption: { keys: [NEWEST] } }

describe('reencrypt', () => {
  it('stores each session with the newest key, with its expiry and owner', async () => {
    const { args, application, table } = await encryptedWith([OLD])
    const expires = [...table.values()].map((stored) => stored.expires)
    expect(await run(['reencrypt', ...args], { env: ROTATED })).toMatchObject({
      code: 0,
      err: '2 sessions encrypted anew, 0 ids hashed\n',
    })
    const store = application(newest)
    expect(await store.get(idOf('ada'))).toMatchObject({ n: 1 })
    expect(await store.destroySessionsOf('bob')).toBe(1)
    expect([...table.values()].map((stored) => stored.expires)).toEqual(expires.slice(0, 1))
    expect(await run(['reencrypt', ...args], { env: ROTATED })).toMatchObject({
      code: 0,
      err: '0 sessions encrypted anew, 0 ids hashed\n',
    })
  })

  it('encrypts what is plain only with --accept-plain', async () => {
    const { args, application } = await encryptedWith(undefined)
    const env = { SESSION_ENCRYPTION_KEYS: NEWEST }
    expect(await run(['reencrypt', ...args], { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('2 records cannot be read'),
    })
    expect(await application({}).get(idOf('ada'))).toMatchObject({ n: 1 })
    expect(await run(['reencrypt', ...args, '--accept-plain'], { env })).toMatchObject({ code: 0 })
    expect(await application(newest).get(idOf('ada'))).toMatchObject({ n: 1 })
  })

  it('stores sessions under the hash of their id, once', async () => {
    const { args, application, table } = await encryptedWith([OLD])
    expect(await run(['reencrypt', ...args, '--hash-ids'], { env: ROTATED })).toMatchObject({
      code: 0,
      err: '2 sessions encrypted anew, 2 ids hashed\n',
    })
    expect([...table.keys()].every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true)
    const store = application({ ...newest, hashIds: true })
    expect(await store.get(idOf('ada'))).toMatchObject({ n: 1 })
    expect(await run(['reencrypt', ...args, '--hash-ids'], { env: ROTATED })).toMatchObject({
      code: 0,
      err: '0 sessions encrypted anew, 0 ids hashed\n',
    })
    expect(await store.destroySessionsOf('ada')).toBe(1)
  })

  it.each([[[]], [['--hash-ids']]])('leaves what it cannot read as it is, and says so (%s)', async (options) => {
    const { args, table } = await encryptedWith([FOREIGN])
    const before = new Map(table)
    expect(await run(['reencrypt', ...args, ...options], { env: ROTATED })).toMatchObject({
      code: 1,
      err: expect.stringContaining('2 records cannot be read with these keys: left unchanged'),
    })
    expect(table).toEqual(before)
  })

  it('does not hash the ids of encrypted sessions without their keys', async () => {
    const { table } = await encryptedWith([FOREIGN])
    const without = inMemory({})
    for (const [id, stored] of table) without.table.set(id, stored)
    expect(await run(['reencrypt', ...without.args, '--hash-ids'])).toMatchObject({ code: 1 })
    expect([...without.table.keys()]).toEqual([...table.keys()])
  })

  it('keeps what the application writes meanwhile', async () => {
    const gate: { bank?: ReturnType<typeof gatedBank> } = {}
    const { args, application } = await encryptedWith([OLD], (bank) => {
      gate.bank = gatedBank(bank)
      gate.bank.hold('swap')
      return gate.bank
    })
    const store = application({ encryption: { keys: [NEWEST, OLD] } })
    const running = run(['reencrypt', ...args], { env: ROTATED })
    while (gate.bank === undefined) await new Promise(setImmediate)
    const [first] = [await gate.bank.held('swap'), await gate.bank.held('swap')]
    const id = first.args[0] as string
    await store.update(id, (session) => void Object.assign(session, { n: 7 }))
    gate.bank.releaseAll()
    expect(await running).toMatchObject({ code: 0 })
    expect(await application(newest).get(id)).toMatchObject({ n: 7 })
  })

  it('does not revive a session that ends meanwhile', async () => {
    const gate: { bank?: ReturnType<typeof gatedBank> } = {}
    const { args, bank } = await encryptedWith([OLD], (opened) => {
      gate.bank = gatedBank(opened)
      gate.bank.hold('swap')
      return gate.bank
    })
    const running = run(['reencrypt', ...args, '--hash-ids'], { env: ROTATED })
    while (gate.bank === undefined) await new Promise(setImmediate)
    await Promise.all([gate.bank.held('swap'), gate.bank.held('swap')])
    for (const id of ['ada', 'bob']) await bank.delete(idOf(id))
    gate.bank.releaseAll()
    await running
    expect(await bank.count?.(Date.now() - MINUTE)).toBe(0)
  })
})
