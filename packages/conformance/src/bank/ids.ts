import assert from 'node:assert/strict'
import { allHostileIds, hostileIds } from '../ids.ts'
import { assertEntry, type BankCheck, bankCheck, HOUR, living, odd, scannedIds } from './kit.ts'

const WHY = 'contract: "A bank keeps all of them apart and inside its own space."'

/** One check a group, so that a failure says what kind of id it was. */
const apart: readonly BankCheck[] = Object.entries(hostileIds).map(([group, ids]) =>
  bankCheck({
    name: `ids are kept apart: ${group}`,
    why: WHY,
    async run({ bank }) {
      const expires = odd(Date.now() + HOUR)
      const entry = (id: string) => ({ payload: `of ${JSON.stringify(id)}`, expires })
      for (const id of ids) assert.equal(await bank.read(id), null, `${shown(id)} was there before it was saved`)
      // The same id twice in a group would be no harm to a bank, but to this check.
      const unique = [...new Set(ids)]
      for (const id of unique) {
        await bank.save(id, entry(id))
        assertEntry(await bank.read(id), entry(id), `the entry of ${shown(id)}`)
      }
      for (const id of unique) assertEntry(await bank.read(id), entry(id), `the entry of ${shown(id)}, after others were saved`)
      for (const [index, id] of unique.entries()) {
        assert.equal(await bank.delete(id), true, `${shown(id)} was gone`)
        assert.equal(await bank.read(id), null, `${shown(id)} is there after its deletion`)
        const next = unique[index + 1]
        if (next !== undefined)
          assertEntry(await bank.read(next), entry(next), `the entry of ${shown(next)}, after ${shown(id)} went`)
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
      await Promise.all(allHostileIds.map((id) => bank.save(id, { payload: id.slice(0, 3), expires: first })))
      await Promise.all(half.map((id) => bank.touch(id, second)))
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      for (const [index, id] of allHostileIds.entries()) {
        assert.equal(found[index]?.expires, index % 2 === 0 ? second : first, `the death of ${shown(id)}`)
      }
    },
  }),
  bankCheck({
    name: 'swap takes any id',
    why: WHY,
    needs: ['swap'],
    async run({ bank }) {
      const made = await Promise.all(allHostileIds.map((id) => bank.swap(id, null, living(`1 of ${shown(id)}`))))
      assert.deepEqual(unlike(made, true), [])
      const swapped = await Promise.all(
        allHostileIds.map((id) => bank.swap(id, `1 of ${shown(id)}`, living(`2 of ${shown(id)}`))),
      )
      assert.deepEqual(unlike(swapped, true), [])
      const refused = await Promise.all(allHostileIds.map((id) => bank.swap(id, `1 of ${shown(id)}`, living('3'))))
      assert.deepEqual(unlike(refused, false), [])
      for (const id of allHostileIds) assert.equal((await bank.read(id))?.payload, `2 of ${shown(id)}`)
    },
  }),
  bankCheck({
    name: 'readMany takes any id',
    why: WHY,
    needs: ['readMany'],
    async run({ bank }) {
      const half = allHostileIds.filter((_, index) => index % 2 === 0)
      await Promise.all(half.map((id) => bank.save(id, living(shown(id)))))
      const found = await bank.readMany(allHostileIds)
      for (const [index, id] of allHostileIds.entries()) {
        assert.equal(found[index]?.payload, index % 2 === 0 ? shown(id) : undefined, `the entry of ${shown(id)}`)
      }
    },
  }),
  bankCheck({
    name: 'scan gives any id as it was saved',
    why: WHY,
    needs: ['scan'],
    async run({ bank }) {
      await Promise.all(allHostileIds.map((id) => bank.save(id, living('a'))))
      assert.deepEqual((await scannedIds(bank)).map(shown), [...allHostileIds].sort().map(shown))
    },
  }),
  bankCheck({
    name: 'clear removes any id',
    why: 'contract: "Removes all entries of this bank"',
    needs: ['clear'],
    async run({ bank }) {
      await Promise.all(allHostileIds.map((id) => bank.save(id, living('a'))))
      await bank.clear()
      const found = await Promise.all(allHostileIds.map((id) => bank.read(id)))
      assert.deepEqual(unlike(found, null), [])
    },
  }),
]

/** The ids whose answer is another than this. */
function unlike(answers: readonly unknown[], expected: unknown): string[] {
  return allHostileIds.filter((_, index) => answers[index] !== expected).map(shown)
}

/** An id as a message can show it, and no two alike. */
function shown(id: string): string {
  const text = JSON.stringify(id)
  return text.length <= 80 ? text : `${text.slice(0, 3)}…(${id.length})…${text.slice(-3)}`
}
