import assert from 'node:assert/strict'
import type { Bank, BankMethod } from 'connect-databank/backend'
import { assertEntry, type BankCheck, bankCheck, HOUR, live, odd } from './helpers.ts'

const CLOSE = 'contract: "Closes what this bank opened"'
const SHARED = 'common sense: several processes share one database'

/** Open, close, and two banks on the same storage. */
export const lifecycleChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'name is a text, if there is one',
    why: 'contract: "The backend, such as `redis`."',
    async run({ bank }) {
      assert.ok(bank.name === undefined || (typeof bank.name === 'string' && bank.name !== ''), `the name is ${bank.name}`)
    },
  }),
  bankCheck({
    name: 'describe returns the server',
    why: 'contract: "The server with its version, such as `Redis 7.0.15`."',
    needs: ['describe'],
    async run({ bank }) {
      const { server } = await bank.describe()
      assert.ok(typeof server === 'string' && server !== '', `the server is ${server}`)
    },
  }),
  bankCheck({
    name: 'open may be called again',
    why: 'contract: "Connects now, or rejects now."',
    needs: ['open'],
    async run({ bank }) {
      assert.equal(await bank.open(), undefined)
      await Promise.all([bank.open(), bank.open()])
      const entry = live('a')
      await bank.save('id', entry)
      await bank.open()
      assertEntry(await bank.read('id'), entry, 'opening again lost an entry')
    },
  }),
  bankCheck({
    name: 'close may be called again',
    why: CLOSE,
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', live('a'))
      await Promise.all([bank.close(), bank.close()])
      assert.equal(await bank.close(), undefined)
    },
  }),
  bankCheck({
    name: 'close of a bank that was never used ends',
    why: CLOSE,
    needs: ['close'],
    async run({ bank }) {
      assert.equal(await bank.close(), undefined)
    },
  }),
  bankCheck({
    name: 'close lets the pending operations end',
    why: 'common sense: an operation has a result or an error, and its caller gets it',
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', live('a'))
      const pending = [bank.save('id', live('b')), bank.read('id'), bank.delete('other')]
      const outcomes = Promise.allSettled(pending)
      await bank.close()
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason?.code, 'DATABANK_CLOSED', String(outcome.reason))
      }
    },
  }),
  bankCheck({
    name: 'a closed bank rejects every call with DATABANK_CLOSED',
    why: 'contract: "A closed bank rejects with `DATABANK_CLOSED`."',
    needs: ['close'],
    async run({ bank }) {
      await bank.save('id', live('a'))
      await bank.close()
      for (const [method, call] of calls(bank)) {
        let result: Promise<unknown> | undefined
        assert.doesNotThrow(() => {
          result = call()
        }, `${method} threw instead of rejecting`)
        await assert.rejects(result!, (error: { code?: unknown }) => {
          assert.equal(error.code, 'DATABANK_CLOSED', `${method} rejected with ${String(error)}`)
          return true
        })
      }
    },
  }),
  bankCheck({
    name: 'closing one bank leaves another on the same storage open',
    why: CLOSE,
    needs: ['close', 'another'],
    async run({ bank, another }) {
      const second = await another()
      const entry = live('a')
      await second.save('id', entry)
      await bank.close()
      assertEntry(await second.read('id'), entry)
      await second.save('id', live('b'))
      assert.equal((await second.read('id'))?.payload, 'b')
    },
  }),
  bankCheck({
    name: 'a bank reads at once what another on the same storage wrote',
    why: SHARED,
    needs: ['another'],
    async run({ bank, another }) {
      const second = await another()
      const [one, two] = [live('a'), live('b', 2 * HOUR)]
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
    name: 'a bank reads at once what another on the same storage touched',
    why: SHARED,
    needs: ['touch', 'another'],
    async run({ bank, another }) {
      const second = await another()
      await bank.save('id', live('a'))
      assert.equal((await second.read('id'))?.payload, 'a')
      const expires = odd(Date.now() + 2 * HOUR)
      await bank.touch('id', expires, Date.now())
      assertEntry(await second.read('id'), { payload: 'a', expires })
      await second.touch('id', null, Date.now())
      assertEntry(await bank.read('id'), { payload: 'a', expires: null })
    },
  }),
  bankCheck({
    name: 'exactly one of parallel deletes of two banks returns true',
    why: 'contract: "Deletes the entry. Returns whether there was one."',
    needs: ['another'],
    async run({ bank, another }) {
      const banks: Bank[] = [bank, await another()]
      for (let round = 0; round < 10; round++) {
        await bank.save('id', live('a'))
        const results = await Promise.all(Array.from({ length: 6 }, (_, index) => banks[index % 2]!.delete('id')))
        assert.equal(results.filter((result) => result === true).length, 1)
      }
    },
  }),
]

/** A call of every method that the bank has. */
function calls(bank: Bank): [method: string, call: () => Promise<unknown>][] {
  const all: { [Method in BankMethod]-?: () => Promise<unknown> | undefined } = {
    read: () => bank.read('id'),
    save: () => bank.save('id', live('b')),
    delete: () => bank.delete('id'),
    touch: () => bank.touch?.('id', null, Date.now()),
    swap: () => bank.swap?.('id', null, live('b'), Date.now()),
    readMany: () => bank.readMany?.(['id']),
    touchMany: () => bank.touchMany?.([['id', null]], Date.now()),
    scan: async () => {
      for await (const _ of bank.scan?.() ?? []) break
    },
    idsOf: async () => {
      for await (const _ of bank.idsOf?.('ada') ?? []) break
    },
    indexOwner: () => bank.indexOwner?.('id', 'ada'),
    count: () => bank.count?.(Date.now()),
    clear: () => bank.clear?.(),
    purge: () => bank.purge?.(Date.now()),
    describe: () => bank.describe?.(),
    open: () => bank.open?.(),
    close: () => undefined,
  }
  return Object.entries(all)
    .filter(([method]) => method !== 'close' && bank[method as keyof Bank] !== undefined)
    .map(([method, call]) => [method, call as () => Promise<unknown>])
}
