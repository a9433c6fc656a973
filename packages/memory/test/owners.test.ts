import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, it } from 'vitest'
import { MemoryBank } from '../src/bank.ts'

const HOUR = 3_600_000

describe("an owner's sessions", () => {
  it('are those that were saved last with this owner and have not expired', async () => {
    const bank = new MemoryBank({ maxEntries: 100 })
    const [now, expires] = [Date.now(), Date.now() + HOUR]
    for (const id of ['a', 'b', 'c', 'd', 'e']) await bank.save(id, { payload: id, expires, owner: 'one' })
    await bank.save('f', { payload: 'f', expires, owner: 'other' })
    await bank.save('g', { payload: 'g', expires })
    await bank.save('b', { payload: 'b', expires, owner: 'other' })
    await bank.swap('c', 'c', { payload: 'C', expires, owner: null }, now)
    await bank.touch('d', expires + 1, now)
    await bank.delete('e')
    await bank.save('h', { payload: 'h', expires: now - 1, owner: 'one' })
    assert.deepEqual(await idsOf(bank, 'one'), ['a', 'd'])
    assert.deepEqual(await idsOf(bank, 'other'), ['b', 'f'])
    assert.deepEqual(await idsOf(bank, 'nobody'), [])
    await bank.clear()
    assert.deepEqual(await idsOf(bank, 'one'), [])
  })

  it('may be deleted while they are listed', async () => {
    const bank = new MemoryBank()
    for (let index = 0; index < 2_000; index++) await bank.save(String(index), { payload: '', expires: null, owner: 'one' })
    let listed = 0
    for await (const id of bank.idsOf('one')) {
      await bank.delete(id)
      listed++
    }
    assert.equal(listed, 2_000)
    assert.equal(await bank.count(Date.now()), 0)
  })

  it('leave nothing behind when they are gone', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const bank = new MemoryBank({ maxEntries: 1_000 })
    const now = Date.now()
    const fill = async () => {
      for (let index = 0; index < 20_000; index++) {
        const owner = String(index).padStart(1_000, 'o')
        await bank.save(`${index}`, { payload: '', expires: now + index, owner })
        await bank.save(`${index}`, { payload: '', expires: now + HOUR + index, owner: `${owner}!` })
      }
      await bank.purge(now + 2 * HOUR)
      collect()
      return process.memoryUsage().heapUsed
    }
    await fill()
    const before = await fill()
    const grown = (await fill()) - before
    assert.equal(await bank.count(now), 0)
    assert.ok(grown < 4_000_000, `the heap has grown by ${grown} bytes`)
  })
})

async function idsOf(bank: MemoryBank, owner: string): Promise<string[]> {
  const ids: string[] = []
  for await (const id of bank.idsOf(owner)) ids.push(id)
  return ids.sort()
}
