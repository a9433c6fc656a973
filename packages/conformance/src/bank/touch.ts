import assert from 'node:assert/strict'
import {
  assertEntry,
  assertNothingLive,
  type BankCheck,
  bankCheck,
  expired,
  HOUR,
  live,
  nextSecond,
  odd,
  untilExpired,
} from './helpers.ts'

const WHY = 'contract: "Changes the expiry only."'
const LEFT = 'contract: "An entry that is missing, or has expired at `now`, is left as it is."'

/** Touch. */
export const touchChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'touch changes the expiry and leaves the payload as it is',
    why: WHY,
    needs: ['touch'],
    async run({ bank }) {
      const payload = '{"b":1, "a" : "é😀"}'
      await bank.save('id', live(payload))
      await bank.save('other', live('other'))
      const other = await bank.read('other')
      const times = [odd(Date.now() + 2 * HOUR), odd(Date.now() + HOUR / 2) + 1, null, odd(Date.now() + 3 * HOUR), 8.64e15]
      for (const expires of times) {
        assert.equal(await bank.touch('id', expires, Date.now()), undefined)
        assertEntry(await bank.read('id'), { payload, expires })
      }
      assert.deepEqual(await bank.read('other'), other)
    },
  }),
  bankCheck({
    name: 'touch of a missing entry resolves and stores nothing',
    why: LEFT,
    needs: ['touch'],
    async run({ bank }) {
      assert.equal(await bank.touch('nobody', Date.now() + HOUR, Date.now()), undefined)
      assert.equal(await bank.touch('nobody', null, Date.now()), undefined)
      assert.equal(await bank.read('nobody'), null)
      await bank.save('deleted', live('a'))
      await bank.delete('deleted')
      await bank.touch('deleted', Date.now() + HOUR, Date.now())
      assert.equal(await bank.read('deleted'), null)
    },
  }),
  bankCheck({
    name: 'touch leaves an expired entry expired',
    why: LEFT,
    needs: ['touch'],
    async run({ bank }) {
      await bank.save('expired', expired('a'))
      await bank.touch('expired', Date.now() + HOUR, Date.now())
      assertNothingLive(await bank.read('expired'), 'the expired entry is unexpired again')
      await bank.touch('expired', null, Date.now())
      assertNothingLive(await bank.read('expired'), 'the expired entry never expires now')
      const expires = Date.now() + 60
      await bank.save('soon', { payload: 'a', expires })
      await untilExpired(expires)
      await bank.touch('soon', Date.now() + HOUR, Date.now())
      assertNothingLive(await bank.read('soon'), 'an entry that expired after its save is unexpired again')
    },
  }),
  bankCheck({
    name: 'touch goes by the time that it is given',
    why: 'contract: "Core has the one clock and passes `now`."',
    needs: ['touch', 'now'],
    async run({ bank }) {
      const now = Date.now()
      const entry = live('a')
      await bank.save('id', entry)
      await bank.touch('id', now + 9 * HOUR, now + 2 * HOUR)
      assertEntry(await bank.read('id'), entry, 'an entry that had expired at the given time was touched')
      await bank.touch('id', odd(now + 9 * HOUR), entry.expires! - 1)
      assertEntry(await bank.read('id'), { payload: 'a', expires: odd(now + 9 * HOUR) })
      await bank.save('edge', entry)
      await bank.touch('edge', now + 9 * HOUR, entry.expires!)
      assertEntry(await bank.read('edge'), entry, 'an entry expires at the very millisecond that `expires` names')
      // As if the store's clock were behind: the entry has expired by the real time, but not by the given time.
      await bank.save('behind', { payload: 'b', expires: now - HOUR })
      await bank.touch('behind', now + HOUR, now - 2 * HOUR)
      assertEntry(await bank.read('behind'), { payload: 'b', expires: now + HOUR })
    },
  }),
  bankCheck({
    name: 'touch may make the entry expire sooner, or at once',
    why: WHY,
    needs: ['touch'],
    async run({ bank }) {
      await bank.save('id', live('a'))
      await bank.touch('id', Date.now() - 1, Date.now())
      assertNothingLive(await bank.read('id'))
      await bank.touch('id', Date.now() + HOUR, Date.now())
      assertNothingLive(await bank.read('id'), 'the expired entry is unexpired again')
      await bank.save('id', { payload: 'b', expires: null })
      await bank.touch('id', 0, Date.now())
      assertNothingLive(await bank.read('id'))
    },
  }),
  bankCheck({
    name: 'a touched entry is kept beyond its old expiry',
    why: WHY,
    needs: ['touch'],
    async run({ bank }) {
      // Connects, which may take longer than the entries last.
      await bank.read('id')
      let old = 0
      let expires = 0
      // On a slow database an entry may expire before its touch: then the next one is given twice the time.
      for (let lifetime = 80; Date.now() >= old; lifetime *= 2) {
        old = Date.now() + lifetime
        expires = odd(Date.now() + HOUR)
        await bank.save('id', { payload: 'a', expires: old })
        await bank.save('never', { payload: 'b', expires: old })
        await bank.touch('id', expires, Date.now())
        await bank.touch('never', null, Date.now())
      }
      await untilExpired(nextSecond(old))
      assertEntry(await bank.read('id'), { payload: 'a', expires })
      assertEntry(await bank.read('never'), { payload: 'b', expires: null })
    },
  }),
  bankCheck({
    name: 'touch during a save does not restore the old payload',
    why: WHY,
    needs: ['touch'],
    async run({ bank }) {
      const touched = odd(Date.now() + 2 * HOUR)
      for (let round = 0; round < 10; round++) {
        await bank.save('id', live('old'))
        const next = live(`new ${round}`)
        const touch = () => bank.touch('id', touched, Date.now())
        const save = () => bank.save('id', next)
        const order = round % 2 === 0 ? [touch, save, touch] : [save, touch, touch]
        await Promise.all(order.map((operation) => operation()))
        const found = await bank.read('id')
        assert.equal(found?.payload, next.payload, 'a touch stored the old payload again')
        assert.ok([touched, next.expires].includes(found.expires), 'the expiry is neither that of the touch nor that of the save')
      }
    },
  }),
  bankCheck({
    name: 'touch during a delete does not restore the entry',
    why: LEFT,
    needs: ['touch'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', live('a'))
        const touch = () => bank.touch('id', Date.now() + HOUR, Date.now())
        const remove = () => bank.delete('id')
        const order = round % 2 === 0 ? [touch, remove, touch] : [remove, touch, touch]
        await Promise.all(order.map((operation) => operation()))
        assert.equal(await bank.read('id'), null, 'it is stored after its deletion')
      }
    },
  }),
]
