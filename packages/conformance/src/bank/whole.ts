import assert from 'node:assert/strict'
import {
  assertEntry,
  assertNothingAlive,
  type BankCheck,
  bankCheck,
  dead,
  HOUR,
  idsLike,
  living,
  odd,
  scanned,
  scannedIds,
} from './kit.ts'

/** What concerns the whole bank: scan, count, clear, purge. */
export const wholeChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'scan streams every entry, once',
    why: 'contract: "Streams all entries, in any order, in bounded memory."',
    needs: ['scan'],
    async run({ bank }) {
      assert.deepEqual(await scannedIds(bank), [])
      const ids = idsLike('scan', 500)
      const expires = odd(Date.now() + HOUR)
      await Promise.all(ids.map((id) => bank.save(id, { payload: `of ${id}`, expires })))
      await bank.save('forever', { payload: 'of forever', expires: null })
      await bank.save('deleted', living('a'))
      await bank.delete('deleted')
      await bank.save('dead', dead('of dead'))
      const found = await scanned(bank)
      for (const [id, entry] of found) {
        if (id === 'dead') assertNothingAlive(entry)
        else assertEntry(entry, { payload: `of ${id}`, expires: id === 'forever' ? null : expires })
      }
      const alive = found.map(([id]) => id).filter((id) => id !== 'dead')
      assert.deepEqual(alive.sort(), [...ids, 'forever'].sort())
      assert.ok(found.length - alive.length <= 1, 'the dead one was given more than once')
    },
  }),
  bankCheck({
    name: 'scan that is left early lets go',
    why: 'contract: "Streams all entries, in any order, in bounded memory."',
    needs: ['scan'],
    async run({ bank }) {
      const ids = idsLike('scan', 100)
      await Promise.all(ids.map((id) => bank.save(id, living('a'))))
      for (let round = 0; round < 30; round++) {
        for await (const [id] of bank.scan()) {
          assert.ok(ids.includes(id))
          break
        }
      }
      await assert.rejects(async () => {
        for await (const _ of bank.scan()) throw new Error('the reader fails')
      }, /the reader fails/)
      await bank.save(ids[0]!, living('b'))
      assert.deepEqual(await scannedIds(bank), ids)
    },
  }),
  bankCheck({
    name: 'scans run side by side, and beside writes',
    why: 'contract: "Streams all entries, in any order, in bounded memory."',
    needs: ['scan'],
    async run({ bank }) {
      const ids = idsLike('scan', 200)
      await Promise.all(ids.map((id) => bank.save(id, living('a'))))
      assert.deepEqual(await Promise.all([scannedIds(bank), scannedIds(bank)]), [ids, ids])
      const seen = new Set<string>()
      for await (const [id] of bank.scan()) {
        seen.add(id)
        if (seen.size === 1) await Promise.all(ids.filter((_, index) => index % 2 === 0).map((gone) => bank.delete(gone)))
      }
      const left = ids.filter((_, index) => index % 2 === 1)
      assert.deepEqual(
        left.filter((id) => !seen.has(id)),
        [],
        'entries that were there all the time were left out',
      )
      assert.deepEqual(await scannedIds(bank), left)
    },
  }),
  bankCheck({
    name: 'count counts what is alive at the given moment',
    why: 'contract: "How many entries are alive at `now`."',
    needs: ['count'],
    async run({ bank }) {
      const now = Date.now()
      assert.equal(await bank.count(now), 0)
      await bank.save('dead', dead('a'))
      await bank.save('forever', { payload: 'b', expires: null })
      await bank.save('an hour', { payload: 'c', expires: now + HOUR })
      await bank.save('three hours', { payload: 'd', expires: now + 3 * HOUR })
      assert.equal(await bank.count(Date.now()), 3, 'now')
      assert.equal(await bank.count(now + HOUR - 1), 3, 'a millisecond before a death')
      assert.equal(await bank.count(now + HOUR), 2, 'at the millisecond of a death')
      assert.equal(await bank.count(now + 4 * HOUR), 1, 'when only one is left')
      await bank.delete('forever')
      await bank.save('an hour', { payload: 'c', expires: now + 2 * HOUR })
      assert.equal(await bank.count(Date.now()), 2, 'after a deletion and a second save')
    },
  }),
  bankCheck({
    name: 'count follows a touch',
    why: 'contract: "How many entries are alive at `now`."',
    needs: ['count', 'touch'],
    async run({ bank }) {
      const now = Date.now()
      await bank.save('id', { payload: 'a', expires: now + HOUR })
      await bank.touch('id', now + 3 * HOUR)
      assert.equal(await bank.count(now + 2 * HOUR), 1)
      await bank.touch('id', null)
      assert.equal(await bank.count(now + 4 * HOUR), 1)
      await bank.touch('id', now - 1)
      assert.equal(await bank.count(Date.now()), 0)
    },
  }),
  bankCheck({
    name: 'clear removes everything and leaves the bank usable',
    why: 'contract: "Removes all entries of this bank"',
    needs: ['clear'],
    async run({ bank }) {
      assert.equal(await bank.clear(), undefined)
      const ids = idsLike('clear', 300)
      await Promise.all(ids.map((id) => bank.save(id, living('a'))))
      await bank.save('forever', { payload: 'b', expires: null })
      await bank.clear()
      for (const id of [...ids, 'forever']) assert.equal(await bank.read(id), null)
      if (bank.count !== undefined) assert.equal(await bank.count(Date.now()), 0)
      if (bank.scan !== undefined) assert.deepEqual(await scannedIds(bank as Parameters<typeof scannedIds>[0]), [])
      const entry = living('c')
      await bank.save(ids[0]!, entry)
      assertEntry(await bank.read(ids[0]!), entry)
      await bank.clear()
      assert.equal(await bank.read(ids[0]!), null)
    },
  }),
  bankCheck({
    name: 'purge frees the dead, spares the living, answers how many',
    why: 'contract: "Frees what is dead at `now` and still is when it is deleted; answers how many that were."',
    needs: ['purge'],
    async run({ bank }) {
      assert.equal(await bank.purge(Date.now()), 0)
      const [ids, living1, forever] = [idsLike('dead', 50), living('alive'), { payload: 'forever', expires: null }]
      await Promise.all(ids.map((id) => bank.save(id, dead('a'))))
      await bank.save('alive', living1)
      await bank.save('forever', forever)
      const there = (await Promise.all(ids.map((id) => bank.read(id)))).filter((entry) => entry !== null).length
      const answer = await bank.purge(Date.now())
      // A bank that drops the dead by itself has less to free.
      assert.ok(answer >= there && answer <= ids.length, `${there} dead ones were there, purge answered ${answer}`)
      for (const id of ids) assert.equal(await bank.read(id), null, 'a dead one is left')
      assertEntry(await bank.read('alive'), living1)
      assertEntry(await bank.read('forever'), forever)
      assert.equal(await bank.purge(Date.now()), 0, 'nothing was left to free')
    },
  }),
  bankCheck({
    name: 'purge goes by the moment that it is given',
    why: 'contract: "Frees what is dead at `now` and still is when it is deleted; answers how many that were."',
    needs: ['purge'],
    async run({ bank }) {
      const now = Date.now()
      await bank.save('an hour', { payload: 'a', expires: now + HOUR })
      await bank.save('three hours', { payload: 'b', expires: now + 3 * HOUR })
      assert.equal(await bank.purge(now + HOUR - 1), 0, 'a millisecond before a death')
      assert.equal(await bank.purge(now + HOUR), 1, 'at the millisecond of a death')
      assert.equal(await bank.read('an hour'), null)
      assert.equal((await bank.read('three hours'))?.payload, 'b')
    },
  }),
  bankCheck({
    name: 'an entry that is renewed survives a purge at the same time',
    why: 'contract: "Frees what is dead at `now` and still is when it is deleted; answers how many that were."',
    needs: ['purge'],
    async run({ bank }) {
      const ids = idsLike('renewed', 50)
      for (let round = 0; round < 4; round++) {
        const renewed = living(`renewed ${round}`)
        await Promise.all(ids.map((id) => bank.save(id, dead('a'))))
        const purge = () => bank.purge(Date.now())
        const renew = () => Promise.all(ids.map((id) => bank.save(id, renewed)))
        await Promise.all((round % 2 === 0 ? [purge, renew] : [renew, purge]).map((operation) => operation()))
        for (const id of ids) assertEntry(await bank.read(id), renewed, 'a purge took what had been renewed')
      }
    },
  }),
]
