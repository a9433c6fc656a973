import assert from 'node:assert/strict'
import type { Bank } from 'connect-databank'
import { assertEntry, type BankCheck, bankCheck, HOUR, living, odd } from './kit.ts'

const CLOSED = 'contract: "A closed bank answers `DATABANK_CLOSED`."'
const ONE_PLACE = 'design: two processes share one place'

/** Opening, closing, and two banks on one place. */
export const lifeChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'open may be called again',
    why: 'contract: "Connects now, or fails now."',
    needs: ['open'],
    async run({ bank }) {
      assert.equal(await bank.open(), undefined)
      await Promise.all([bank.open(), bank.open()])
      const entry = living('a')
      await bank.save('id', entry)
      await bank.open()
      assertEntry(await bank.read('id'), entry, 'opening again lost an entry')
    },
  }),
  bankCheck({
    name: 'close may be called again',
    why: 'contract: "Ends what this bank opened"',
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      await Promise.all([bank.close(), bank.close()])
      assert.equal(await bank.close(), undefined)
    },
  }),
  bankCheck({
    name: 'close of a bank that was never used ends',
    why: 'contract: "Ends what this bank opened"',
    needs: ['close'],
    async run({ bank }) {
      assert.equal(await bank.close(), undefined)
    },
  }),
  bankCheck({
    name: 'close lets what is under way end',
    why: 'plain sense: an operation has an outcome, and its caller hears of it',
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      const underWay = [bank.save('id', living('b')), bank.read('id'), bank.delete('other')]
      const outcomes = Promise.allSettled(underWay)
      await bank.close()
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason?.code, 'DATABANK_CLOSED', String(outcome.reason))
      }
    },
  }),
  bankCheck({
    name: 'a closed bank answers DATABANK_CLOSED',
    why: CLOSED,
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      await bank.close()
      for (const [method, call] of calls(bank)) {
        let answer: Promise<unknown> | undefined
        assert.doesNotThrow(() => {
          answer = call()
        }, `${method} threw instead of rejecting`)
        await assert.rejects(answer!, (error: { code?: unknown }) => {
          assert.equal(error.code, 'DATABANK_CLOSED', `${method} rejected with ${String(error)}`)
          return true
        })
      }
    },
  }),
  bankCheck({
    name: 'another bank on the same place goes on when one is closed',
    why: 'contract: "Ends what this bank opened"',
    needs: ['close', 'another'],
    async run({ bank, another }) {
      const second = await another()
      const entry = living('a')
      await second.save('id', entry)
      await bank.close()
      assertEntry(await second.read('id'), entry)
      await second.save('id', living('b'))
      assert.equal((await second.read('id'))?.payload, 'b')
    },
  }),
  bankCheck({
    name: 'two banks on one place see the same at once',
    why: ONE_PLACE,
    needs: ['another'],
    async run({ bank, another }) {
      const second = await another()
      const [one, two] = [living('a'), living('b', 2 * HOUR)]
      assert.equal(await second.read('id'), null)
      await bank.save('id', one)
      assertEntry(await second.read('id'), one)
      await second.save('id', two)
      assertEntry(await bank.read('id'), two)
      assert.equal(await bank.delete('id'), true)
      assert.equal(await second.read('id'), null)
      assert.equal(await second.delete('id'), false)
    },
  }),
  bankCheck({
    name: 'two banks on one place see each other’s touches at once',
    why: ONE_PLACE,
    needs: ['touch', 'another'],
    async run({ bank, another }) {
      const second = await another()
      await bank.save('id', living('a'))
      assert.equal((await second.read('id'))?.payload, 'a')
      const expires = odd(Date.now() + 2 * HOUR)
      await bank.touch('id', expires)
      assertEntry(await second.read('id'), { payload: 'a', expires })
      await second.touch('id', null)
      assertEntry(await bank.read('id'), { payload: 'a', expires: null })
    },
  }),
  bankCheck({
    name: 'of parallel deletes of two banks exactly one answers true',
    why: 'contract: "Removes the entry; answers whether there was one."',
    needs: ['another'],
    async run({ bank, another }) {
      const banks: Bank[] = [bank, await another()]
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('a'))
        const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => banks[index % 2]!.delete('id')))
        assert.equal(answers.filter((answer) => answer === true).length, 1)
      }
    },
  }),
]

/** A call of every method that the bank has. */
function calls(bank: Bank): [method: string, call: () => Promise<unknown>][] {
  const all: { [Method in keyof Bank]-?: () => Promise<unknown> | undefined } = {
    read: () => bank.read('id'),
    save: () => bank.save('id', living('b')),
    delete: () => bank.delete('id'),
    touch: () => bank.touch?.('id', null),
    swap: () => bank.swap?.('id', null, living('b')),
    readMany: () => bank.readMany?.(['id']),
    touchMany: () => bank.touchMany?.([['id', null]]),
    scan: async () => {
      for await (const _ of bank.scan?.() ?? []) break
    },
    count: () => bank.count?.(Date.now()),
    clear: () => bank.clear?.(),
    purge: () => bank.purge?.(Date.now()),
    open: () => bank.open?.(),
    close: () => undefined,
  }
  return Object.entries(all)
    .filter(([method]) => method !== 'close' && bank[method as keyof Bank] !== undefined)
    .map(([method, call]) => [method, call as () => Promise<unknown>])
}
