import assert from 'node:assert/strict'
import { assertEntry, assertNothingLive, type BankCheck, bankCheck, expired, HOUR, idsLike, live, odd } from './helpers.ts'

const READ_MANY = 'contract: "Several reads at once. The results are in the order of `ids`."'
const TOUCH_MANY = 'contract: "Several touches at once."'

/** Several reads, several touches. */
export const manyChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'readMany returns the results in the order of the ids',
    why: READ_MANY,
    needs: ['readMany'],
    async run({ bank }) {
      const [a, b] = [live('a'), { payload: 'b', expires: null }]
      await bank.save('a', a)
      await bank.save('b', b)
      await bank.save('c', expired('c'))
      const found = await bank.readMany(['b', 'nobody', 'a', 'b', 'c', 'nobody', 'a'])
      assert.equal(found.length, 7)
      for (const index of [0, 3]) assertEntry(found[index]!, b)
      for (const index of [2, 6]) assertEntry(found[index]!, a)
      for (const index of [1, 5]) assert.equal(found[index], null)
      assertNothingLive(found[4]!)
    },
  }),
  bankCheck({
    name: 'readMany of no ids returns an empty list',
    why: READ_MANY,
    needs: ['readMany'],
    async run({ bank }) {
      assert.deepEqual(await bank.readMany([]), [])
      assert.deepEqual(await bank.readMany(['nobody']), [null])
    },
  }),
  bankCheck({
    name: 'readMany takes thousands of ids',
    why: READ_MANY,
    needs: ['readMany'],
    async run({ bank }) {
      const entry = live('a')
      const ids = idsLike('read', 3_000)
      const stored = ids.filter((_, index) => index % 10 === 0)
      await Promise.all(stored.map((id) => bank.save(id, { ...entry, payload: id })))
      const found = await bank.readMany(ids)
      assert.equal(found.length, ids.length)
      const wrong = ids.filter((id, index) => (found[index]?.payload ?? null) !== (index % 10 === 0 ? id : null))
      assert.deepEqual(wrong, [])
    },
  }),
  bankCheck({
    name: 'touchMany changes each expiry and leaves the payloads as they are',
    why: TOUCH_MANY,
    needs: ['touchMany'],
    async run({ bank }) {
      for (const id of ['a', 'b', 'c', 'd']) await bank.save(id, live(`of ${id}`))
      const untouched = await bank.read('d')
      const [one, two] = [odd(Date.now() + 2 * HOUR), odd(Date.now() + 3 * HOUR) + 1]
      const touches: [string, number | null][] = [
        ['c', one],
        ['a', null],
        ['b', two],
      ]
      assert.equal(await bank.touchMany(touches, Date.now()), undefined)
      assertEntry(await bank.read('a'), { payload: 'of a', expires: null })
      assertEntry(await bank.read('b'), { payload: 'of b', expires: two })
      assertEntry(await bank.read('c'), { payload: 'of c', expires: one })
      assert.deepEqual(await bank.read('d'), untouched)
    },
  }),
  bankCheck({
    name: 'touchMany leaves missing and expired entries as they are',
    why: 'contract: "An entry that is missing, or has expired at `now`, is left as it is."',
    needs: ['touchMany'],
    async run({ bank }) {
      await bank.save('expired', expired('a'))
      await bank.save('live', live('b'))
      const expires = odd(Date.now() + 2 * HOUR)
      assert.equal(await bank.touchMany([], Date.now()), undefined)
      const touches: [string, number | null][] = [
        ['nobody', expires],
        ['expired', expires],
        ['live', expires],
        ['nobody else', null],
      ]
      await bank.touchMany(touches, Date.now())
      assert.equal(await bank.read('nobody'), null)
      assert.equal(await bank.read('nobody else'), null)
      assertNothingLive(await bank.read('expired'), 'the expired entry is unexpired again')
      assertEntry(await bank.read('live'), { payload: 'b', expires })
    },
  }),
  bankCheck({
    name: 'touchMany goes by the time that it is given',
    why: 'contract: "Core has the one clock and passes `now`."',
    needs: ['touchMany', 'now'],
    async run({ bank }) {
      const now = Date.now()
      const entry = live('a')
      await bank.save('id', entry)
      await bank.save('behind', { payload: 'b', expires: now - HOUR })
      await bank.touchMany([['id', now + 9 * HOUR]], now + 2 * HOUR)
      assertEntry(await bank.read('id'), entry, 'an entry that had expired at the given time was touched')
      await bank.touchMany([['behind', now + HOUR]], now - 2 * HOUR)
      assertEntry(await bank.read('behind'), { payload: 'b', expires: now + HOUR })
    },
  }),
  bankCheck({
    name: 'touchMany takes the same id more than once',
    why: TOUCH_MANY,
    needs: ['touchMany'],
    async run({ bank }) {
      await bank.save('a', live('a'))
      const [one, two] = [odd(Date.now() + 2 * HOUR), odd(Date.now() + 3 * HOUR)]
      const touches: [string, number][] = [
        ['a', one],
        ['a', two],
      ]
      await bank.touchMany(touches, Date.now())
      const found = await bank.read('a')
      assert.equal(found?.payload, 'a')
      // The contract promises no order among them.
      assert.ok([one, two].includes(found.expires ?? 0), 'the expiry is neither of the two')
    },
  }),
  bankCheck({
    name: 'touchMany takes thousands of ids',
    why: TOUCH_MANY,
    needs: ['touchMany'],
    async run({ bank }) {
      const ids = idsLike('touch', 3_000)
      const stored = ids.filter((_, index) => index % 10 === 0)
      await Promise.all(stored.map((id) => bank.save(id, live(id))))
      const expires = odd(Date.now() + 2 * HOUR)
      await bank.touchMany(
        ids.map((id) => [id, expires] as const),
        Date.now(),
      )
      const found = await Promise.all(stored.map((id) => bank.read(id)))
      assert.deepEqual([...new Set(found.map((entry) => entry?.expires))], [expires])
      assert.equal(await bank.read(ids[1]!), null)
    },
  }),
]
