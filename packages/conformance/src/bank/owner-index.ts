import assert from 'node:assert/strict'
import { allHostileIds } from '../ids.ts'
import { type BankCheck, bankCheck, expired, HOUR, idsLike, idsOf, listed, live, saved, shown, untilExpired } from './helpers.ts'
import { hostileOwners } from './owners.ts'

const WHY = 'contract: "The ids of the unexpired entries of one owner."'
const FINDS = 'contract: "Finds every entry whose `save` or `swap` had ended before the call."'
const REPLACES = 'contract: "Every `save` and `swap` replaces it, `touch` keeps it"'

const adas = (payload: string) => ({ ...live(payload), owner: 'ada' })
const bobs = (payload: string) => ({ ...live(payload), owner: 'bob' })

/** The entries of an owner. */
export const ownerIndexChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'idsOf yields the id of every entry that was saved for the owner, once',
    why: FINDS,
    needs: ['idsOf'],
    async run({ bank }) {
      assert.deepEqual(await idsOf(bank, 'ada'), [])
      await bank.save('first', adas('a'))
      assert.deepEqual(await idsOf(bank, 'ada'), ['first'])
      await bank.save('second', adas('b'))
      await bank.save('first', adas('c'))
      await bank.save('never', { payload: 'a', expires: null, owner: 'ada' })
      await bank.save('of bob', bobs('a'))
      await bank.save('of nobody', live('a'))
      assert.deepEqual(await idsOf(bank, 'ada'), ['first', 'never', 'second'])
      assert.deepEqual(await idsOf(bank, 'bob'), ['of bob'])
    },
  }),
  bankCheck({
    name: 'idsOf yields the id of every entry that was swapped for the owner',
    why: FINDS,
    needs: ['idsOf', 'swap'],
    async run({ bank }) {
      const version = await bank.swap('id', null, adas('a'), Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), ['id'], 'after a swap that expected null')
      await bank.swap('id', version, adas('b'), Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), ['id'], 'after a swap that expected a version')
      await bank.swap('other', await saved(bank, 'other', live('a')), adas('b'), Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), ['id', 'other'], 'after a swap of an entry without an owner')
    },
  }),
  bankCheck({
    name: 'idsOf follows a save that changes the owner',
    why: REPLACES,
    needs: ['idsOf'],
    async run({ bank }) {
      await bank.save('id', adas('a'))
      await bank.save('id', bobs('b'))
      assert.deepEqual(await idsOf(bank, 'ada'), [], 'the entry is found under its old owner')
      assert.deepEqual(await idsOf(bank, 'bob'), ['id'])
      await bank.save('id', live('c'))
      assert.deepEqual(await idsOf(bank, 'bob'), [], 'an entry that was saved without an owner is found under its old one')
      await bank.save('id', adas('d'))
      assert.deepEqual(await idsOf(bank, 'ada'), ['id'])
    },
  }),
  bankCheck({
    name: 'idsOf follows a swap that changes the owner',
    why: REPLACES,
    needs: ['idsOf', 'swap'],
    async run({ bank }) {
      const first = await saved(bank, 'id', adas('a'))
      const second = await bank.swap('id', first, bobs('b'), Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), [], 'the entry is found under its old owner')
      assert.deepEqual(await idsOf(bank, 'bob'), ['id'])
      await bank.swap('id', first, adas('c'), Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), [], 'a swap that failed moved the entry')
      assert.deepEqual(await idsOf(bank, 'bob'), ['id'])
      await bank.swap('id', second, live('d'), Date.now())
      assert.deepEqual(await idsOf(bank, 'bob'), [], 'an entry that was swapped without an owner is found under its old one')
    },
  }),
  bankCheck({
    name: 'idsOf yields no deleted entry',
    why: WHY,
    needs: ['idsOf'],
    async run({ bank }) {
      for (const id of ['a', 'b', 'c']) await bank.save(id, adas(id))
      await bank.delete('b')
      assert.deepEqual(await idsOf(bank, 'ada'), ['a', 'c'])
      // The index must not bring the old owner back.
      await bank.save('b', live('b'))
      assert.deepEqual(await idsOf(bank, 'ada'), ['a', 'c'])
    },
  }),
  bankCheck({
    name: 'idsOf yields no expired entry',
    why: WHY,
    needs: ['idsOf'],
    async run({ bank }) {
      await bank.save('live', adas('a'))
      await bank.save('expired', { ...expired('b'), owner: 'ada' })
      const expires = Date.now() + 60
      await bank.save('soon', { payload: 'c', expires, owner: 'ada' })
      await untilExpired(expires)
      assert.deepEqual(await idsOf(bank, 'ada'), ['live'])
    },
  }),
  bankCheck({
    name: 'idsOf yields a touched entry beyond its old expiry',
    why: WHY,
    needs: ['idsOf', 'touch'],
    async run({ bank }) {
      const old = Date.now() + 80
      await bank.save('touched', { payload: 'a', expires: old, owner: 'ada' })
      await bank.save('never', { payload: 'b', expires: old, owner: 'bob' })
      await bank.touch('touched', Date.now() + HOUR, Date.now())
      await bank.touch('never', null, Date.now())
      // A slow database may have let it expire before the touch: then this check cannot decide.
      if (Date.now() >= old) return
      await untilExpired(old)
      assert.deepEqual(await idsOf(bank, 'ada'), ['touched'])
      assert.deepEqual(await idsOf(bank, 'bob'), ['never'])
    },
  }),
  bankCheck({
    name: 'idsOf yields an entry that touchMany touched beyond its old expiry',
    why: WHY,
    needs: ['idsOf', 'touchMany'],
    async run({ bank }) {
      const old = Date.now() + 80
      await bank.save('touched', { payload: 'a', expires: old, owner: 'ada' })
      await bank.touchMany([['touched', Date.now() + HOUR]], Date.now())
      if (Date.now() >= old) return
      await untilExpired(old)
      assert.deepEqual(await idsOf(bank, 'ada'), ['touched'])
    },
  }),
  bankCheck({
    name: 'idsOf yields an entry that expires later than another of its owner',
    why: WHY,
    needs: ['idsOf'],
    async run({ bank }) {
      // In both orders: an index that expires as a whole must expire with the last of its entries.
      const soon = Date.now() + 80
      await bank.save('soon', { payload: 'a', expires: soon, owner: 'ada' })
      await bank.save('late of bob', bobs('b'))
      await bank.save('soon of bob', { payload: 'a', expires: soon, owner: 'bob' })
      await bank.save('late of ada', adas('c'))
      await untilExpired(soon)
      assert.deepEqual(await idsOf(bank, 'ada'), ['late of ada'])
      assert.deepEqual(await idsOf(bank, 'bob'), ['late of bob'])
    },
  }),
  bankCheck({
    name: 'idsOf keeps owners apart: prefixes, patterns, cases, normal forms',
    why: 'contract: "A bank that has `idsOf` indexes it and does not interpret it."',
    needs: ['idsOf'],
    async run({ bank }) {
      for (const [index, owner] of hostileOwners.entries()) {
        assert.deepEqual(await idsOf(bank, owner), [], `${shown(owner)} has entries before any was saved for it`)
        await bank.save(`id-${index}`, { ...live('a'), owner })
      }
      for (const [index, owner] of hostileOwners.entries()) {
        assert.deepEqual(await idsOf(bank, owner), [`id-${index}`], `the entries of ${shown(owner)}`)
      }
      for (const [index, owner] of hostileOwners.entries()) {
        await bank.delete(`id-${index}`)
        assert.deepEqual(await idsOf(bank, owner), [], `the entries of ${shown(owner)} after their deletion`)
      }
    },
  }),
  bankCheck({
    name: 'idsOf yields any id as it was saved',
    why: 'contract: "A bank keeps different ids apart, byte by byte."',
    needs: ['idsOf'],
    async run({ bank }) {
      await Promise.all(allHostileIds.map((id) => bank.save(id, adas('a'))))
      assert.deepEqual((await idsOf(bank, 'ada')).map(shown), [...allHostileIds].sort().map(shown))
    },
  }),
  bankCheck({
    name: 'idsOf yields hundreds of ids, may be left early, and allows deletes meanwhile',
    why: WHY,
    needs: ['idsOf'],
    async run({ bank }) {
      const ids = idsLike('many', 400)
      await Promise.all(ids.map((id) => bank.save(id, adas('a'))))
      for (let round = 0; round < 20; round++) for await (const _ of bank.idsOf('ada')) break
      assert.deepEqual(await idsOf(bank, 'ada'), ids)
      const seen: string[] = []
      for await (const id of bank.idsOf('ada')) {
        seen.push(id)
        await bank.delete(id)
      }
      assert.deepEqual(seen.sort(), ids)
      assert.deepEqual(await idsOf(bank, 'ada'), [])
    },
  }),
  bankCheck({
    name: 'idsOf yields nothing after a clear',
    why: 'contract: "Deletes all entries of this bank"',
    needs: ['idsOf', 'clear'],
    async run({ bank }) {
      await bank.save('a', adas('a'))
      await bank.save('b', bobs('b'))
      await bank.clear()
      assert.deepEqual([...(await listed(bank.idsOf('ada'))), ...(await listed(bank.idsOf('bob')))], [])
      await bank.save('a', live('a'))
      assert.deepEqual(await idsOf(bank, 'ada'), [])
    },
  }),
  bankCheck({
    name: 'idsOf yields the unexpired entries after a purge',
    why: WHY,
    needs: ['idsOf', 'purge'],
    async run({ bank }) {
      await bank.save('live', adas('a'))
      await bank.save('expired', { ...expired('b'), owner: 'ada' })
      await bank.purge(Date.now())
      assert.deepEqual(await idsOf(bank, 'ada'), ['live'])
      await bank.save('expired', live('c'))
      assert.deepEqual(await idsOf(bank, 'ada'), ['live'], 'an entry without an owner is found under the owner of a purged one')
      await bank.purge(Date.now() + HOUR / 2)
      assert.deepEqual(await idsOf(bank, 'ada'), ['live'])
    },
  }),
  bankCheck({
    name: 'idsOf of one bank yields what another on the same storage has just written',
    why: FINDS,
    needs: ['idsOf', 'another'],
    async run({ bank, another }) {
      const second = await another()
      assert.deepEqual(await idsOf(second, 'ada'), [])
      await bank.save('id', adas('a'))
      assert.deepEqual(await idsOf(second, 'ada'), ['id'])
      await second.save('id', bobs('a'))
      assert.deepEqual(await idsOf(bank, 'ada'), [])
      assert.deepEqual(await idsOf(bank, 'bob'), ['id'])
      await bank.delete('id')
      assert.deepEqual(await idsOf(second, 'bob'), [])
    },
  }),
  bankCheck({
    name: 'idsOf yields what parallel writes stored at the end',
    why: REPLACES,
    needs: ['idsOf'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        const entries = [adas(`${round} a`), bobs(`${round} b`), live(`${round} c`)]
        const order = [0, 1, 2].map((index) => entries[(index + round) % 3]!)
        await Promise.all(order.map((entry) => bank.save('id', entry)))
        const owner = (await bank.read('id'))?.owner ?? null
        assert.deepEqual(await idsOf(bank, 'ada'), owner === 'ada' ? ['id'] : [], `round ${round}: the owner is ${owner}`)
        assert.deepEqual(await idsOf(bank, 'bob'), owner === 'bob' ? ['id'] : [], `round ${round}: the owner is ${owner}`)
        await Promise.all([bank.save('id', adas('a')), bank.delete('id')])
        const isStored = (await bank.read('id')) !== null
        assert.deepEqual(await idsOf(bank, 'ada'), isStored ? ['id'] : [], `round ${round}: after a save and a delete`)
      }
    },
  }),
]
