import assert from 'node:assert/strict'
import { allHostileIds, hostileIds } from '../ids.ts'
import { assertEntry, type BankCheck, bankCheck, HOUR, live, odd, scannedIds, shown } from './helpers.ts'

const WHY = 'contract: "A bank keeps different ids apart, byte by byte."'

/** One check a group, so that a failure names the kind of id. */
const apart: readonly BankCheck[] = Object.entries(hostileIds).map(([group, ids]) =>
  bankCheck({
    name: `ids are kept apart: ${group}`,
    why: WHY,
    async run({ bank }) {
      const expires = odd(Date.now() + HOUR)
      const entry = (id: string) => ({ payload: `of ${JSON.stringify(id)}`, expires })
      for (const id of ids) assert.equal(await bank.read(id), null, `${shown(id)} is stored before it was saved`)
      for (const id of ids) {
        await bank.save(id, entry(id))
        assertEntry(await bank.read(id), entry(id), `the entry of ${shown(id)}`)
      }
      for (const id of ids) assertEntry(await bank.read(id), entry(id), `the entry of ${shown(id)}, after others were saved`)
      for (const [index, id] of ids.entries()) {
        assert.equal(await bank.delete(id), true, `${shown(id)} is missing`)
        assert.equal(await bank.read(id), null, `${shown(id)} is stored after its deletion`)
        const next = ids[index + 1]
        if (next === undefined) continue
        assertEntry(await bank.read(next), entry(next), `the entry of ${shown(next)}, after ${shown(id)} was deleted`)
      }
    },
  }),
)

/** Ids of every kind. */
export const idChecks: readonly BankCheck[] = [
  ...apart,
  bankCheck({
    name: 'touch takes any id',
    why: WHY,
    needs: ['touch'],
    async run({ bank }) {
      const [first, second] = [odd(Date.now() + HOUR), odd(Date.now() + 2 * HOUR)]
      const half = allHostileIds.filter((_, index) => index % 2 === 0)
      await Promise.all(allHostileIds.map((id) => bank.save(id, { payload: 'a', expires: first })))
      await Promise.all(half.map((id) => bank.touch(id, second, Date.now())))
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      for (const [index, id] of allHostileIds.entries()) {
        assert.equal(found[index]?.expires, index % 2 === 0 ? second : first, `the expiry of ${shown(id)}`)
      }
    },
  }),
  bankCheck({
    name: 'touchMany takes any id',
    why: WHY,
    needs: ['touchMany'],
    async run({ bank }) {
      const [first, second] = [odd(Date.now() + HOUR), odd(Date.now() + 2 * HOUR)]
      const half = allHostileIds.filter((_, index) => index % 2 === 0)
      await Promise.all(allHostileIds.map((id) => bank.save(id, { payload: 'a', expires: first })))
      await bank.touchMany(
        half.map((id) => [id, second] as const),
        Date.now(),
      )
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      for (const [index, id] of allHostileIds.entries()) {
        assert.equal(found[index]?.expires, index % 2 === 0 ? second : first, `the expiry of ${shown(id)}`)
      }
    },
  }),
  bankCheck({
    name: 'swap takes any id',
    why: WHY,
    needs: ['swap'],
    async run({ bank }) {
      const swap = (id: string, expected: string | null, payload: string) => bank.swap(id, expected, live(payload), Date.now())
      const first = await Promise.all(allHostileIds.map((id) => swap(id, null, `1 of ${shown(id)}`)))
      assert.deepEqual(
        idsOfWrong(first, (version) => version !== null),
        [],
      )
      const second = await Promise.all(allHostileIds.map((id, index) => swap(id, first[index]!, `2 of ${shown(id)}`)))
      assert.deepEqual(
        idsOfWrong(second, (version) => version !== null),
        [],
      )
      const third = await Promise.all(allHostileIds.map((id, index) => swap(id, first[index]!, '3')))
      assert.deepEqual(
        idsOfWrong(third, (version) => version === null),
        [],
      )
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      for (const [index, id] of allHostileIds.entries()) assert.equal(found[index]?.payload, `2 of ${shown(id)}`)
    },
  }),
  bankCheck({
    name: 'readMany takes any id',
    why: WHY,
    needs: ['readMany'],
    async run({ bank }) {
      const half = allHostileIds.filter((_, index) => index % 2 === 0)
      await Promise.all(half.map((id) => bank.save(id, live(shown(id)))))
      const found = await bank.readMany(allHostileIds)
      for (const [index, id] of allHostileIds.entries()) {
        assert.equal(found[index]?.payload, index % 2 === 0 ? shown(id) : undefined, `the entry of ${shown(id)}`)
      }
    },
  }),
  bankCheck({
    name: 'scan yields any id as it was saved',
    why: WHY,
    needs: ['scan'],
    async run({ bank }) {
      await Promise.all(allHostileIds.map((id) => bank.save(id, live('a'))))
      assert.deepEqual((await scannedIds(bank)).map(shown), [...allHostileIds].sort().map(shown))
    },
  }),
  bankCheck({
    name: 'clear deletes any id',
    why: 'contract: "Deletes all entries of this bank"',
    needs: ['clear'],
    async run({ bank }) {
      await Promise.all(allHostileIds.map((id) => bank.save(id, live('a'))))
      await bank.clear()
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      assert.deepEqual(
        idsOfWrong(found, (stored) => stored === null),
        [],
      )
    },
  }),
]

/** The ids whose result is wrong. */
function idsOfWrong<Result>(results: readonly Result[], isRight: (result: Result) => boolean): string[] {
  return allHostileIds.filter((_, index) => !isRight(results[index]!)).map(shown)
}
