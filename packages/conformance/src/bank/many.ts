import assert from 'node:assert/strict'
import { assertEntry, assertNothingAlive, type BankCheck, bankCheck, dead, HOUR, idsLike, living, odd } from './kit.ts'

/** Many reads, many touches. */
export const manyChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'readMany answers where the ids stood',
    why: 'contract: "the answers stand where their ids stood"',
    needs: ['readMany'],
    async run({ bank }) {
      const [a, b] = [living('a'), { payload: 'b', expires: null }]
      await bank.save('a', a)
      await bank.save('b', b)
      await bank.save('c', dead('c'))
      const found = await bank.readMany(['b', 'nobody', 'a', 'b', 'c', 'nobody', 'a'])
      assert.equal(found.length, 7)
      for (const place of [0, 3]) assertEntry(found[place]!, b)
      for (const place of [2, 6]) assertEntry(found[place]!, a)
      for (const place of [1, 5]) assert.equal(found[place], null)
      assertNothingAlive(found[4]!)
    },
  }),
  bankCheck({
    name: 'readMany of no ids is an empty list',
    why: 'contract: "As many `read`s at once"',
    needs: ['readMany'],
    async run({ bank }) {
      assert.deepEqual(await bank.readMany([]), [])
      assert.deepEqual(await bank.readMany(['nobody']), [null])
    },
  }),
  bankCheck({
    name: 'readMany takes thousands of ids',
    why: 'contract: "As many `read`s at once"',
    needs: ['readMany'],
    async run({ bank }) {
      const entry = living('a')
      const ids = idsLike('read', 3_000)
      const there = ids.filter((_, index) => index % 10 === 0)
      await Promise.all(there.map((id) => bank.save(id, { ...entry, payload: id })))
      const found = await bank.readMany(ids)
      assert.equal(found.length, ids.length)
      const wrong = ids.filter((id, index) => (found[index]?.payload ?? null) !== (index % 10 === 0 ? id : null))
      assert.deepEqual(wrong, [])
    },
  }),
  bankCheck({
    name: 'touchMany moves each death and leaves the payloads alone',
    why: 'contract: "As many `touch`es at once."',
    needs: ['touchMany'],
    async run({ bank }) {
      for (const id of ['a', 'b', 'c', 'd']) await bank.save(id, living(`of ${id}`))
      const untouched = await bank.read('d')
      const [one, two] = [odd(Date.now() + 2 * HOUR), odd(Date.now() + 3 * HOUR) + 1]
      const moves: [string, number | null][] = [
        ['c', one],
        ['a', null],
        ['b', two],
      ]
      assert.equal(await bank.touchMany(moves), undefined)
      assertEntry(await bank.read('a'), { payload: 'of a', expires: null })
      assertEntry(await bank.read('b'), { payload: 'of b', expires: two })
      assertEntry(await bank.read('c'), { payload: 'of c', expires: one })
      assert.deepEqual(await bank.read('d'), untouched)
    },
  }),
  bankCheck({
    name: 'touchMany never revives, and is silent about what is missing',
    why: 'contract: "Never revives the dead; silent if there is nothing."',
    needs: ['touchMany'],
    async run({ bank }) {
      await bank.save('dead', dead('a'))
      await bank.save('alive', living('b'))
      const expires = odd(Date.now() + 2 * HOUR)
      assert.equal(await bank.touchMany([]), undefined)
      await bank.touchMany([
        ['nobody', expires],
        ['dead', expires],
        ['alive', expires],
        ['nobody else', null],
      ])
      assert.equal(await bank.read('nobody'), null)
      assert.equal(await bank.read('nobody else'), null)
      assertNothingAlive(await bank.read('dead'), 'the dead one was revived')
      assertEntry(await bank.read('alive'), { payload: 'b', expires })
    },
  }),
  bankCheck({
    name: 'touchMany takes an id more than once',
    why: 'contract: "As many `touch`es at once."',
    needs: ['touchMany'],
    async run({ bank }) {
      await bank.save('a', living('a'))
      const [one, two] = [odd(Date.now() + 2 * HOUR), odd(Date.now() + 3 * HOUR)]
      await bank.touchMany([
        ['a', one],
        ['a', two],
      ])
      const found = await bank.read('a')
      assert.equal(found?.payload, 'a')
      // "At once" promises no order among them.
      assert.ok([one, two].includes(found.expires ?? 0), 'the death is neither of the two')
    },
  }),
  bankCheck({
    name: 'touchMany takes thousands of ids',
    why: 'contract: "As many `touch`es at once."',
    needs: ['touchMany'],
    async run({ bank }) {
      const ids = idsLike('touch', 3_000)
      const there = ids.filter((_, index) => index % 10 === 0)
      await Promise.all(there.map((id) => bank.save(id, living(id))))
      const expires = odd(Date.now() + 2 * HOUR)
      await bank.touchMany(ids.map((id) => [id, expires] as const))
      const found = await Promise.all(there.map((id) => bank.read(id)))
      assert.deepEqual([...new Set(found.map((entry) => entry?.expires))], [expires])
      assert.equal(await bank.read(ids[1]!), null)
    },
  }),
]
