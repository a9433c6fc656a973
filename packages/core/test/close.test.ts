import { describe, expect, it } from 'vitest'
import { DatabankStore } from '../src/store.ts'
import { Client, gatedBank, nextTurn, ReferenceBank, sessionData, turns, withScan } from './helpers.ts'

const CLOSED = { code: 'DATABANK_CLOSED' }

const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error) => error.code,
  )

describe('close', () => {
  it('waits for writes, closes the bank once, and refuses later operations', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const saving = client.set('sid', sessionData())
    const held = await bank.held('save')
    const closing = client.store.close()
    await expect(client.get('sid')).rejects.toMatchObject(CLOSED)
    expect(bank.calls('close')).toBe(0)
    await held.release()
    await Promise.all([saving, closing, client.store.close()])
    expect(bank.calls('close')).toBe(1)
    await expect(client.set('sid', sessionData())).rejects.toMatchObject(CLOSED)
    await expect(client.store.length()).rejects.toMatchObject(CLOSED)
    await expect(client.store.entries().next()).rejects.toMatchObject(CLOSED)
    await expect(client.store.sessionsOf('ada').next()).rejects.toMatchObject(CLOSED)
    await expect(client.store.open()).rejects.toMatchObject(CLOSED)
  })

  it('ends in time when the bank hangs', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('close')
    const store = new DatabankStore({ bank, timeout: 50 })
    await expect(store.close()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  })

  it('calls back with one argument, each time that it is called', async () => {
    const store = new DatabankStore({ bank: new ReferenceBank() })
    const results: unknown[][] = []
    await store.close((...result) => results.push(result))
    await store.close((...result) => results.push(result))
    await nextTurn()
    expect(results).toEqual([[null], [null]])
  })

  it.each(['touch', 'clear', 'purge', 'read', 'count'] as const)('waits for a %s that is under way', async (method) => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    await client.set('sid', sessionData())
    const live = await client.load('sid')
    gated.hold(method)
    const works = {
      touch: () => client.touch('sid', live),
      clear: () => client.store.clear(),
      purge: () => client.store.cleanup(),
      read: () => client.get('sid'),
      count: () => client.store.length(),
    }
    const work: Promise<unknown> = works[method]()
    const held = await gated.held(method)
    const closing = client.store.close()
    await nextTurn()
    const closedMeanwhile = gated.calls('close')
    await held.release()
    const outcome = await outcomeOf(work)
    await closing
    expect([closedMeanwhile, outcome]).toEqual([0, 'done'])
  })

  it.each([
    ['clear', (store: DatabankStore) => store.clear()],
    ['cleanup', (store: DatabankStore) => store.cleanup()],
    ['all', (store: DatabankStore) => store.all()],
    ['length', (store: DatabankStore) => store.length()],
    ['destroySessionsOf', (store: DatabankStore) => store.destroySessionsOf('ada')],
    ['reindexOwners', (store: DatabankStore) => store.reindexOwners()],
  ] as const)('waits for all steps of %s, where core makes it from a scan', async (_name, run) => {
    const reference = new ReferenceBank()
    for (const id of ['a', 'b', 'c']) await reference.save(id, { payload: JSON.stringify(sessionData()), expires: null })
    const close = () => reference.close()
    const store = new DatabankStore({ bank: { ...withScan(reference), close }, owner: () => 'ada' })
    const outcome = outcomeOf(run(store))
    await store.close()
    expect(await outcome).toBe('done')
  })

  it('waits for a save that ends the surplus sessions of its owner', async () => {
    const reference = new ReferenceBank()
    const store = new DatabankStore({ bank: reference, owner: () => 'ada', maxSessionsPerOwner: 1 })
    await store.set('old', sessionData())
    const outcome = outcomeOf(store.set('new', sessionData()))
    await store.close()
    expect(await outcome).toBe('done')
  })

  it('waits for a get that moves its session to the hashed id', async () => {
    const table: ConstructorParameters<typeof ReferenceBank>[0] = new Map()
    await new Client(new ReferenceBank(table)).set('sid', sessionData())
    const store = new DatabankStore({ bank: new ReferenceBank(table), hashIds: { acceptPlain: true } })
    const outcome = outcomeOf(store.get('sid'))
    await store.close()
    expect(await outcome).toBe('done')
    expect([...table.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })
})

describe('a store that was closed', () => {
  it('starts no clean-up any more', async () => {
    const bank = gatedBank(new ReferenceBank())
    const store = new DatabankStore({ bank, cleanupInterval: 1 })
    await store.close()
    const before = bank.calls('purge')
    await new Promise((resolve) => setTimeout(resolve, 20))
    await turns(2)
    expect(bank.calls('purge')).toBe(before)
  })
})
