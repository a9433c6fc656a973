import assert from 'node:assert/strict'
import {
  assertEntry,
  assertNothingAlive,
  type BankCheck,
  type BankWith,
  bankCheck,
  dead,
  HOUR,
  living,
  odd,
  pastDeath,
} from './kit.ts'

/** Compare-and-swap. */
export const swapChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'swap stores the entry if the expected payload is there',
    why: 'contract: "stores the entry if the payload that is there equals `expected`, and answers whether it did"',
    needs: ['swap'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      const next = living('b', 2 * HOUR)
      assert.equal(await bank.swap('id', 'a', next), true)
      assertEntry(await bank.read('id'), next)
      const forever = { payload: 'c', expires: null }
      assert.equal(await bank.swap('id', 'b', forever), true)
      assertEntry(await bank.read('id'), forever)
      const large = living('é'.repeat(300_000))
      assert.equal(await bank.swap('id', 'c', large), true)
      assert.equal(await bank.swap('id', large.payload, next), true)
      assertEntry(await bank.read('id'), next)
    },
  }),
  bankCheck({
    name: 'swap changes nothing if another payload is there',
    why: 'contract: "stores the entry if the payload that is there equals `expected`, and answers whether it did"',
    needs: ['swap'],
    async run({ bank }) {
      const entry = living('a')
      await bank.save('id', entry)
      for (const expected of ['b', 'A', 'a ', ' a', 'aa', '', 'null', 'a\0', '*']) {
        assert.equal(await bank.swap('id', expected, living('c')), false, `swapped for ${JSON.stringify(expected)}`)
      }
      assertEntry(await bank.read('id'), entry)
    },
  }),
  bankCheck({
    name: 'swap that expects a payload makes nothing where nothing is',
    why: 'contract: "stores the entry if the payload that is there equals `expected`, and answers whether it did"',
    needs: ['swap'],
    async run({ bank }) {
      for (const expected of ['a', '', 'null', 'undefined']) {
        assert.equal(await bank.swap('id', expected, living('b')), false, `swapped for ${JSON.stringify(expected)}`)
      }
      assert.equal(await bank.read('id'), null)
      await bank.save('id', living('a'))
      await bank.delete('id')
      assert.equal(await bank.swap('id', 'a', living('b')), false)
      assert.equal(await bank.read('id'), null, 'a deleted entry came back')
    },
  }),
  bankCheck({
    name: 'swap that expects nothing makes the entry, once',
    why: 'contract: "`null` expects that nothing alive is there"',
    needs: ['swap'],
    async run({ bank }) {
      const entry = living('a')
      assert.equal(await bank.swap('id', null, entry), true)
      assert.equal(await bank.swap('id', null, living('b')), false)
      assertEntry(await bank.read('id'), entry)
      await bank.save('forever', { payload: 'a', expires: null })
      assert.equal(await bank.swap('forever', null, living('b')), false)
    },
  }),
  bankCheck({
    name: 'swap tells an empty payload from nothing',
    why: 'contract: "stores the entry if the payload that is there equals `expected`, and answers whether it did"',
    needs: ['swap'],
    async run({ bank }) {
      await bank.save('id', living(''))
      assert.equal(await bank.swap('id', null, living('a')), false, 'an empty payload passed for nothing')
      assert.equal(await bank.swap('id', '', living('a')), true)
      assert.equal((await bank.read('id'))?.payload, 'a')
    },
  }),
  bankCheck({
    name: 'swap takes a dead entry for none',
    why: 'contract: "a dead entry is no entry"',
    needs: ['swap'],
    async run({ bank }) {
      await bank.save('dead', dead('a'))
      assert.equal(await bank.swap('dead', 'a', living('b')), false, 'a dead entry equalled what was expected')
      assertNothingAlive(await bank.read('dead'))
      const next = living('b')
      assert.equal(await bank.swap('dead', null, next), true, 'a dead entry stood in the way')
      assertEntry(await bank.read('dead'), next)
      const expires = Date.now() + 60
      await bank.save('dying', { payload: 'a', expires })
      await pastDeath(expires)
      assert.equal(await bank.swap('dying', 'a', living('b')), false, 'one that died meanwhile equalled what was expected')
      assert.equal(await bank.swap('dying', null, next), true, 'one that died meanwhile stood in the way')
    },
  }),
  bankCheck({
    name: 'swap compares payloads, not deaths',
    why: 'contract: "stores the entry if the payload that is there equals `expected`, and answers whether it did"',
    needs: ['swap', 'touch'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      await bank.touch('id', odd(Date.now() + 2 * HOUR))
      const next = living('b', 3 * HOUR)
      assert.equal(await bank.swap('id', 'a', next), true, 'a touch stood in the way')
      assertEntry(await bank.read('id'), next)
    },
  }),
  bankCheck({
    name: 'of parallel swaps exactly one wins',
    why: 'contract: "Compare-and-swap, atomic among all processes"',
    needs: ['swap'],
    async run({ bank }) {
      await oneWins([bank])
    },
  }),
  bankCheck({
    name: 'of parallel swaps of two banks exactly one wins',
    why: 'contract: "Compare-and-swap, atomic among all processes"',
    needs: ['swap', 'another'],
    async run({ bank, another }) {
      await oneWins([bank, await another()])
    },
  }),
  bankCheck({
    name: 'swap at the same time as delete brings nothing back',
    why: 'contract: "Compare-and-swap, atomic among all processes"',
    needs: ['swap'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('a'))
        const swap = () => bank.swap('id', 'a', living('b'))
        const remove = () => bank.delete('id')
        const answers = await Promise.all((round % 2 === 0 ? [swap, remove] : [remove, swap]).map((operation) => operation()))
        assert.equal(answers[round % 2 === 0 ? 1 : 0], true, 'delete found nothing')
        assert.equal(await bank.read('id'), null, 'it is there after its deletion')
      }
    },
  }),
  bankCheck({
    name: 'swap at the same time as save takes nothing back',
    why: 'contract: "Compare-and-swap, atomic among all processes"',
    needs: ['swap'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('a'))
        const saved = living('saved')
        const swap = () => bank.swap('id', 'a', living('swapped'))
        const save = () => bank.save('id', saved)
        await Promise.all((round % 2 === 0 ? [swap, save] : [save, swap]).map((operation) => operation()))
        assertEntry(await bank.read('id'), saved, 'a swap wrote over what was saved after the comparison')
      }
    },
  }),
]

/** Parallel swaps, of one bank or of several on one place. */
async function oneWins(banks: readonly BankWith<'swap'>[]): Promise<void> {
  const contenders = Array.from({ length: 8 }, (_, index) => ({
    bank: banks[index % banks.length]!,
    payload: `of contender ${index}`,
  }))
  let expected: string | null = null
  for (let round = 0; round < 10; round++) {
    const entries = contenders.map(({ payload }, index) => living(`${round} ${payload}`, HOUR * (index + 1)))
    const answers: boolean[] = await Promise.all(contenders.map(({ bank }, index) => bank.swap('id', expected, entries[index]!)))
    assert.equal(answers.filter((answer) => answer === true).length, 1, `round ${round}: not exactly one won`)
    const winner = entries[answers.indexOf(true)]!
    for (const bank of banks) assertEntry(await bank.read('id'), winner, 'the winner is not what is stored')
    expected = winner.payload
  }
}
