import assert from 'node:assert/strict'
import { versionOf } from 'connect-databank/backend'
import {
  assertEntry,
  assertNothingLive,
  type BankCheck,
  type BankWith,
  bankCheck,
  expired,
  HOUR,
  live,
  odd,
  saved,
  storedVersion,
  untilExpired,
} from './helpers.ts'

const WHY = 'contract: "stores the entry if the stored version equals `expected`."'
const NULL = 'contract: "if nothing is stored that is unexpired at `now`."'
const EXPIRED = 'contract: "An entry that has expired at `now` matches null only."'
const ATOMIC = 'contract: "Compare-and-swap, atomic across processes"'

/** Compare-and-swap. */
export const swapChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'swap stores the entry if the expected version is stored',
    why: WHY,
    needs: ['swap'],
    async run({ bank }) {
      const next = live('b', 2 * HOUR)
      assert.notEqual(await bank.swap('id', await saved(bank, 'id', live('a')), next, Date.now()), null)
      assertEntry(await bank.read('id'), next)
      const never = { payload: 'c', expires: null }
      assert.notEqual(await bank.swap('id', await storedVersion(bank, 'id'), never, Date.now()), null)
      assertEntry(await bank.read('id'), never)
      const large = live('é'.repeat(300_000))
      assert.notEqual(await bank.swap('id', await storedVersion(bank, 'id'), large, Date.now()), null)
      assertEntry(await bank.read('id'), large)
      assert.notEqual(await bank.swap('id', await storedVersion(bank, 'id'), next, Date.now()), null)
      assertEntry(await bank.read('id'), next)
    },
  }),
  bankCheck({
    name: 'swap changes nothing if another version is stored',
    why: WHY,
    needs: ['swap'],
    async run({ bank, ada }) {
      // If the payload is the version: texts that a careless comparison treats as equal.
      for (const other of ['b', 'A', 'a ', ' a', 'aa', '', 'null', 'a\0', '*', 'á', 'a'.repeat(300)]) {
        const version = await saved(bank, 'id', live(other))
        const entry = { ...live('a'), owner: ada }
        await bank.save('id', entry)
        const result = await bank.swap('id', version, live('c'), Date.now())
        assert.equal(result, null, `it swapped for the version of ${JSON.stringify(other)}`)
        assertEntry(await bank.read('id'), entry)
      }
      const long = 'é'.repeat(20_000)
      const version = await saved(bank, 'long', live(`${long}a`))
      const entry = live(`${long}b`)
      await bank.save('long', entry)
      assert.equal(await bank.swap('long', version, live('c'), Date.now()), null, 'it swapped for another long payload')
      assertEntry(await bank.read('long'), entry)
    },
  }),
  bankCheck({
    name: 'swap that expects a version stores nothing where nothing is stored',
    why: WHY,
    needs: ['swap'],
    async run({ bank }) {
      for (const payload of ['a', '', 'null', 'undefined']) {
        const version = await saved(bank, 'id', live(payload))
        await bank.delete('id')
        const result = await bank.swap('id', version, live('b'), Date.now())
        assert.equal(result, null, `it swapped for the version of ${JSON.stringify(payload)}`)
        assert.equal(await bank.read('id'), null, 'a deleted entry is stored again')
      }
    },
  }),
  bankCheck({
    name: 'swap that expects null stores the entry where nothing is stored, once',
    why: NULL,
    needs: ['swap'],
    async run({ bank }) {
      const entry = live('a')
      assert.notEqual(await bank.swap('id', null, entry, Date.now()), null)
      assert.equal(await bank.swap('id', null, live('b'), Date.now()), null)
      assertEntry(await bank.read('id'), entry)
      await bank.save('never', { payload: 'a', expires: null })
      assert.equal(await bank.swap('never', null, live('b'), Date.now()), null)
    },
  }),
  bankCheck({
    name: 'swap does not take an empty payload for a missing entry',
    why: NULL,
    needs: ['swap'],
    async run({ bank }) {
      const version = await saved(bank, 'id', live(''))
      assert.equal(await bank.swap('id', null, live('a'), Date.now()), null, 'an empty payload was taken for no entry')
      assert.notEqual(await bank.swap('id', version, live('a'), Date.now()), null)
      assert.equal((await bank.read('id'))?.payload, 'a')
    },
  }),
  bankCheck({
    name: 'swap takes an expired entry for a missing one',
    why: EXPIRED,
    needs: ['swap'],
    async run({ bank }) {
      const version = await saved(bank, 'id', live('a'))
      await bank.save('id', expired('a'))
      assert.equal(await bank.swap('id', version, live('b'), Date.now()), null, 'an expired entry equalled what was expected')
      assertNothingLive(await bank.read('id'))
      const next = live('b')
      assert.notEqual(await bank.swap('id', null, next, Date.now()), null, 'an expired entry kept null from matching')
      assertEntry(await bank.read('id'), next)
      const expires = Date.now() + 60
      await bank.save('soon', { payload: 'a', expires })
      const soon = await bank.read('soon')
      if (soon === null) return // a slow database: it has expired already
      await untilExpired(expires)
      assert.equal(
        await bank.swap('soon', versionOf(soon), live('b'), Date.now()),
        null,
        'an entry that expired later equalled it',
      )
      assert.notEqual(
        await bank.swap('soon', null, next, Date.now()),
        null,
        'an entry that expired later kept null from matching',
      )
    },
  }),
  bankCheck({
    name: 'swap goes by the time that it is given',
    why: 'contract: "Core has the one clock and passes `now`."',
    needs: ['swap', 'now'],
    async run({ bank }) {
      const now = Date.now()
      const entry = live('a')
      const version = await saved(bank, 'id', entry)
      assert.equal(await bank.swap('id', null, live('b'), entry.expires! - 1), null, 'it had not expired at the given time')
      assert.equal(await bank.swap('id', version, live('b'), entry.expires!), null, 'it had expired at the given time')
      assertEntry(await bank.read('id'), entry)
      const later = live('b', 9 * HOUR)
      assert.notEqual(await bank.swap('id', null, later, now + 2 * HOUR), null, 'it had expired at the given time')
      assertEntry(await bank.read('id'), later)
      // As if the store's clock were behind: the entry has expired by the real time, but not by the given time.
      const behind = await saved(bank, 'behind', { payload: 'c', expires: now - HOUR })
      assert.equal(await bank.swap('behind', null, later, now - 2 * HOUR), null, 'it had not expired at the given time')
      assert.notEqual(await bank.swap('behind', behind, later, now - 2 * HOUR), null, 'it had not expired at the given time')
      assertEntry(await bank.read('behind'), later)
    },
  }),
  bankCheck({
    name: 'exactly one of parallel swaps succeeds',
    why: ATOMIC,
    needs: ['swap'],
    async run({ bank }) {
      await oneSucceeds([bank])
    },
  }),
  bankCheck({
    name: 'exactly one of parallel swaps of two banks succeeds',
    why: ATOMIC,
    needs: ['swap', 'another'],
    async run({ bank, another }) {
      await oneSucceeds([bank, await another()])
    },
  }),
  bankCheck({
    name: 'swap during a delete does not restore the entry',
    why: ATOMIC,
    needs: ['swap'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        const version = await saved(bank, 'id', live('a'))
        const swap = () => bank.swap('id', version, live('b'), Date.now())
        const remove = () => bank.delete('id')
        const results = await Promise.all((round % 2 === 0 ? [swap, remove] : [remove, swap]).map((operation) => operation()))
        assert.equal(results[round % 2 === 0 ? 1 : 0], true, 'delete found nothing')
        assert.equal(await bank.read('id'), null, 'it is stored after its deletion')
      }
    },
  }),
  bankCheck({
    name: 'swap during a save does not overwrite what was saved',
    why: ATOMIC,
    needs: ['swap'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        const version = await saved(bank, 'id', live('a'))
        const entry = live('saved')
        const swap = () => bank.swap('id', version, live('swapped'), Date.now())
        const save = () => bank.save('id', entry)
        await Promise.all((round % 2 === 0 ? [swap, save] : [save, swap]).map((operation) => operation()))
        assertEntry(await bank.read('id'), entry, 'a swap overwrote what was saved after its comparison')
      }
    },
  }),
]

/** Parallel swaps through one bank, or through several on the same storage. */
async function oneSucceeds(banks: readonly BankWith<'swap'>[]): Promise<void> {
  let expected: string | null = null
  for (let round = 0; round < 10; round++) {
    const entries = Array.from({ length: 8 }, (_, index) => ({
      payload: `${round} by caller ${index}`,
      expires: odd(Date.now() + HOUR * (index + 1)),
    }))
    const swaps = entries.map((entry, index) => banks[index % banks.length]!.swap('id', expected, entry, Date.now()))
    const results: (string | null)[] = await Promise.all(swaps)
    assert.equal(results.filter((version) => version !== null).length, 1, `round ${round}: not exactly one succeeded`)
    const winner = results.findIndex((version) => version !== null)
    for (const bank of banks) assertEntry(await bank.read('id'), entries[winner]!, 'the stored entry is not that of the swap')
    expected = results[winner]!
  }
}
