import assert from 'node:assert/strict'
import {
  assertEntry,
  assertNothingLive,
  type BankCheck,
  type BankWith,
  bankCheck,
  expired,
  HOUR,
  idsLike,
  listed,
  live,
  odd,
  scannedIds,
} from './helpers.ts'

const SCAN = 'contract: "Streams all entries, in any order, in bounded memory."'
const COUNT = 'contract: "How many entries are unexpired at `now`."'
const PURGE = 'contract: "Deletes entries that have expired at `now`, re-checked when deleting. Returns how many."'

/** All entries of a bank: scan, count, clear, purge. */
export const listingChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'scan yields every entry, once',
    why: SCAN,
    needs: ['scan'],
    async run({ bank }) {
      assert.deepEqual(await scannedIds(bank), [])
      const ids = idsLike('scan', 500)
      const expires = odd(Date.now() + HOUR)
      await Promise.all(ids.map((id) => bank.save(id, { payload: `of ${id}`, expires })))
      await bank.save('never', { payload: 'of never', expires: null })
      await bank.save('deleted', live('a'))
      await bank.delete('deleted')
      await bank.save('expired', expired('of expired'))
      const found = await listed(bank.scan())
      for (const [id, entry] of found) {
        if (id === 'expired') assertNothingLive(entry)
        else assertEntry(entry, { payload: `of ${id}`, expires: id === 'never' ? null : expires })
      }
      const unexpired = found.map(([id]) => id).filter((id) => id !== 'expired')
      assert.deepEqual(unexpired.sort(), [...ids, 'never'].sort())
      assert.ok(found.length - unexpired.length <= 1, 'the expired entry was yielded more than once')
    },
  }),
  bankCheck({
    name: 'scan that is left early releases what it holds',
    why: SCAN,
    needs: ['scan'],
    async run({ bank }) {
      const ids = idsLike('scan', 100)
      await Promise.all(ids.map((id) => bank.save(id, live('a'))))
      for (let round = 0; round < 30; round++) {
        for await (const [id] of bank.scan()) {
          assert.ok(ids.includes(id))
          break
        }
      }
      await assert.rejects(async () => {
        for await (const _ of bank.scan()) throw new Error('the reader fails')
      }, /the reader fails/)
      await bank.save(ids[0]!, live('b'))
      assert.deepEqual(await scannedIds(bank), ids)
    },
  }),
  bankCheck({
    name: 'scans run at the same time, and during writes',
    why: SCAN,
    needs: ['scan'],
    async run({ bank }) {
      const ids = idsLike('scan', 200)
      await Promise.all(ids.map((id) => bank.save(id, live('a'))))
      assert.deepEqual(await Promise.all([scannedIds(bank), scannedIds(bank)]), [ids, ids])
      const seen = new Set<string>()
      for await (const [id] of bank.scan()) {
        seen.add(id)
        if (seen.size === 1) await Promise.all(ids.filter((_, index) => index % 2 === 0).map((deleted) => bank.delete(deleted)))
      }
      const left = ids.filter((_, index) => index % 2 === 1)
      assert.deepEqual(
        left.filter((id) => !seen.has(id)),
        [],
        'entries that were stored all the time were left out',
      )
      assert.deepEqual(await scannedIds(bank), left)
    },
  }),
  bankCheck({
    name: 'count counts the entries that are unexpired at the given time',
    why: COUNT,
    needs: ['count'],
    async run({ bank }) {
      const now = Date.now()
      assert.equal(await bank.count(now), 0)
      await bank.save('expired', expired('a'))
      await bank.save('never', { payload: 'b', expires: null })
      await bank.save('an hour', { payload: 'c', expires: now + HOUR })
      await bank.save('three hours', { payload: 'd', expires: now + 3 * HOUR })
      assert.equal(await bank.count(Date.now()), 3, 'now')
      assert.equal(await bank.count(now + HOUR - 1), 3, 'a millisecond before an expiry')
      assert.equal(await bank.count(now + HOUR), 2, 'at the millisecond of an expiry')
      assert.equal(await bank.count(now + 4 * HOUR), 1, 'when all others have expired')
      await bank.delete('never')
      await bank.save('an hour', { payload: 'c', expires: now + 2 * HOUR })
      assert.equal(await bank.count(Date.now()), 2, 'after a deletion and a second save')
    },
  }),
  bankCheck({
    name: 'count follows a touch',
    why: COUNT,
    needs: ['count', 'touch'],
    async run({ bank }) {
      const now = Date.now()
      await bank.save('id', { payload: 'a', expires: now + HOUR })
      await bank.touch('id', now + 3 * HOUR, Date.now())
      assert.equal(await bank.count(now + 2 * HOUR), 1)
      await bank.touch('id', null, Date.now())
      assert.equal(await bank.count(now + 4 * HOUR), 1)
      await bank.touch('id', now - 1, Date.now())
      assert.equal(await bank.count(Date.now()), 0)
    },
  }),
  bankCheck({
    name: 'clear deletes all entries, and the bank can be used afterwards',
    why: 'contract: "Deletes all entries of this bank, and nothing else that is stored beside them."',
    needs: ['clear'],
    async run({ bank }) {
      assert.equal(await bank.clear(), undefined)
      const ids = idsLike('clear', 300)
      await Promise.all(ids.map((id) => bank.save(id, live('a'))))
      await bank.save('never', { payload: 'b', expires: null })
      await bank.clear()
      for (const id of [...ids, 'never']) assert.equal(await bank.read(id), null)
      if (bank.count !== undefined) assert.equal(await bank.count(Date.now()), 0)
      if (bank.scan !== undefined) assert.deepEqual(await scannedIds(bank as BankWith<'scan'>), [])
      const entry = live('c')
      await bank.save(ids[0]!, entry)
      assertEntry(await bank.read(ids[0]!), entry)
      await bank.clear()
      assert.equal(await bank.read(ids[0]!), null)
    },
  }),
  bankCheck({
    name: 'purge deletes the expired entries only, and returns how many',
    why: PURGE,
    needs: ['purge'],
    async run({ bank }) {
      assert.equal(await bank.purge(Date.now()), 0)
      const [ids, unexpired, never] = [idsLike('expired', 50), live('live'), { payload: 'never', expires: null }]
      await Promise.all(ids.map((id) => bank.save(id, expired('a'))))
      await bank.save('live', unexpired)
      await bank.save('never', never)
      const stored = (await Promise.all(ids.map((id) => bank.read(id)))).filter((entry) => entry !== null).length
      const result = await bank.purge(Date.now())
      // A database that deletes expired entries by itself leaves fewer.
      assert.ok(result >= stored && result <= ids.length, `${stored} were stored, purge returned ${result}`)
      for (const id of ids) assert.equal(await bank.read(id), null, 'an expired entry is left')
      assertEntry(await bank.read('live'), unexpired)
      assertEntry(await bank.read('never'), never)
      assert.equal(await bank.purge(Date.now()), 0, 'nothing was left to delete')
    },
  }),
  bankCheck({
    name: 'purge goes by the time that it is given',
    why: PURGE,
    needs: ['purge'],
    async run({ bank }) {
      const now = Date.now()
      await bank.save('an hour', { payload: 'a', expires: now + HOUR })
      await bank.save('three hours', { payload: 'b', expires: now + 3 * HOUR })
      assert.equal(await bank.purge(now + HOUR - 1), 0, 'a millisecond before an expiry')
      assert.equal(await bank.purge(now + HOUR), 1, 'at the millisecond of an expiry')
      assert.equal(await bank.read('an hour'), null)
      assert.equal((await bank.read('three hours'))?.payload, 'b')
    },
  }),
  bankCheck({
    name: 'purge keeps an entry that is saved anew at the same time',
    why: PURGE,
    needs: ['purge'],
    async run({ bank }) {
      const ids = idsLike('renewed', 50)
      for (let round = 0; round < 4; round++) {
        const renewed = live(`renewed ${round}`)
        await Promise.all(ids.map((id) => bank.save(id, expired('a'))))
        const purge = () => bank.purge(Date.now())
        const renew = () => Promise.all(ids.map((id) => bank.save(id, renewed)))
        await Promise.all((round % 2 === 0 ? [purge, renew] : [renew, purge]).map((operation) => operation()))
        for (const id of ids) assertEntry(await bank.read(id), renewed, 'a purge deleted what had been saved anew')
      }
    },
  }),
]
