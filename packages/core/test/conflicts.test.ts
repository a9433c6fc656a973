import { describe, expect, it, vi } from 'vitest'
import type { StoreEvents } from '../src/log.ts'
import { Client, gatedBank, MINUTE, nextTurn, ReferenceBank, renewAge, sessionData } from './helpers.ts'

type Conflict = StoreEvents['conflict'][0]

function conflictsOf(client: Client): Conflict[] {
  const conflicts: Conflict[] = []
  client.store.on('conflict', (detail: Conflict) => conflicts.push(detail))
  return conflicts
}

async function twoRequests(data: object) {
  const client = new Client(new ReferenceBank())
  const conflicts = conflictsOf(client)
  await client.set('sid', sessionData(data))
  return { client, conflicts, theirs: await client.load('sid'), ours: await client.load('sid') }
}

describe('the event conflict', () => {
  it('has no keys where two requests have changed different ones', async () => {
    const { client, conflicts, theirs, ours } = await twoRequests({})
    await client.set('sid', Object.assign(theirs, { a: 1 }))
    await client.set('sid', Object.assign(ours, { b: 1 }))
    await nextTurn()
    expect(conflicts).toEqual([{ sid: 'sid', keys: [] }])
  })

  it('names the keys that both have changed, added or removed', async () => {
    const { client, conflicts, theirs, ours } = await twoRequests({ changed: 1, removed: { deep: [1] }, kept: 1 })
    Object.assign(theirs, { changed: 2, removed: { deep: [2] }, added: 'theirs', own: 1 })
    await client.set('sid', theirs)
    Object.assign(ours, { changed: 3, added: 'ours', own2: 1 })
    delete ours['removed']
    await client.set('sid', ours)
    await nextTurn()
    expect(conflicts.map(({ sid, keys }) => [sid, [...keys].sort()])).toEqual([['sid', ['added', 'changed', 'removed']]])
  })

  it('does not name a key that both have set to the same value', async () => {
    const { client, conflicts, theirs, ours } = await twoRequests({})
    await client.set('sid', Object.assign(theirs, { list: [1, { a: 1 }] }))
    await client.set('sid', Object.assign(ours, { list: [1, { a: 1 }], b: 1 }))
    await nextTurn()
    expect(conflicts).toEqual([{ sid: 'sid', keys: [] }])
  })

  it('is not emitted where nobody else has written, nor for a touch of another', async () => {
    const { client, conflicts, theirs, ours } = await twoRequests({ n: 1 })
    renewAge(theirs)
    await client.touch('sid', theirs)
    await client.set('sid', Object.assign(ours, { n: 2 }))
    await client.set('sid', Object.assign(ours, { n: 3 }))
    await nextTurn()
    expect(conflicts).toEqual([])
  })

  it('is emitted once for a save that was tried several times', async () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(table))]
    const conflicts = conflictsOf(slow)
    await fast.set('sid', sessionData())
    const late = await slow.load('sid')
    gated.hold('swap')
    const saving = slow.set('sid', Object.assign(late, { contested: 'late' }))
    for (let round = 0; round < 3; round++) {
      const held = await gated.held('swap')
      await fast.set('sid', Object.assign(await fast.load('sid'), { contested: round }))
      await held.release()
    }
    gated.releaseAll()
    await saving
    await nextTurn()
    expect(conflicts).toEqual([{ sid: 'sid', keys: ['contested'] }])
  })

  it('does not name the creation time, which both have added', async () => {
    const bank = new ReferenceBank()
    await new Client(bank).set('sid', sessionData())
    const client = new Client(bank, { absoluteTimeout: 60 * MINUTE })
    const conflicts = conflictsOf(client)
    const [theirs, ours] = [await client.load('sid'), await client.load('sid')]
    vi.setSystemTime(Date.now() - 1_000)
    await client.set('sid', Object.assign(theirs, { a: 1 }))
    vi.useRealTimers()
    await client.set('sid', Object.assign(ours, { b: 1 }))
    await nextTurn()
    expect(conflicts).toEqual([{ sid: 'sid', keys: [] }])
  })

  it('has the id as it is stored where the session id is replaced by its hash', async () => {
    const client = new Client(new ReferenceBank())
    const conflicts = conflictsOf(client)
    const sid = 'x'.repeat(201)
    await client.set(sid, sessionData())
    const [theirs, ours] = [await client.load(sid), await client.load(sid)]
    await client.set(sid, Object.assign(theirs, { a: 1 }))
    await client.set(sid, Object.assign(ours, { b: 1 }))
    await nextTurn()
    expect(conflicts).toEqual([{ sid: expect.stringMatching(/^[0-9a-f]{64}$/), keys: [] }])
  })
})
