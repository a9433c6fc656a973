import assert from 'node:assert/strict'
import { assertEntry, assertNothingAlive, type BankCheck, bankCheck, dead, HOUR, living, odd, pastDeath } from './kit.ts'

/** Moving the death of an entry. */
export const touchChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'touch moves the death and leaves the payload alone',
    why: 'contract: "Moves the death and leaves the payload alone."',
    needs: ['touch'],
    async run({ bank }) {
      const payload = '{"b":1, "a" : "é😀"}'
      await bank.save('id', living(payload))
      await bank.save('other', living('other'))
      const other = await bank.read('other')
      for (const expires of [
        odd(Date.now() + 2 * HOUR),
        odd(Date.now() + HOUR / 2) + 1,
        null,
        odd(Date.now() + 3 * HOUR),
        8.64e15,
      ]) {
        assert.equal(await bank.touch('id', expires), undefined)
        assertEntry(await bank.read('id'), { payload, expires })
      }
      assert.deepEqual(await bank.read('other'), other)
    },
  }),
  bankCheck({
    name: 'touch is silent if there is nothing, and makes nothing',
    why: 'contract: "Never revives the dead; silent if there is nothing."',
    needs: ['touch'],
    async run({ bank }) {
      assert.equal(await bank.touch('nobody', Date.now() + HOUR), undefined)
      assert.equal(await bank.touch('nobody', null), undefined)
      assert.equal(await bank.read('nobody'), null)
      await bank.save('deleted', living('a'))
      await bank.delete('deleted')
      await bank.touch('deleted', Date.now() + HOUR)
      assert.equal(await bank.read('deleted'), null)
    },
  }),
  bankCheck({
    name: 'touch never revives the dead',
    why: 'contract: "Never revives the dead; silent if there is nothing."',
    needs: ['touch'],
    async run({ bank }) {
      await bank.save('dead', dead('a'))
      await bank.touch('dead', Date.now() + HOUR)
      assertNothingAlive(await bank.read('dead'), 'the dead one was revived')
      await bank.touch('dead', null)
      assertNothingAlive(await bank.read('dead'), 'the dead one was revived for good')
      const expires = Date.now() + 60
      await bank.save('dying', { payload: 'a', expires })
      await pastDeath(expires)
      await bank.touch('dying', Date.now() + HOUR)
      assertNothingAlive(await bank.read('dying'), 'one that died meanwhile was revived')
    },
  }),
  bankCheck({
    name: 'touch may bring the death forward, to the past even',
    why: 'contract: "Moves the death and leaves the payload alone."',
    needs: ['touch'],
    async run({ bank }) {
      await bank.save('id', living('a'))
      await bank.touch('id', Date.now() - 1)
      assertNothingAlive(await bank.read('id'))
      await bank.touch('id', Date.now() + HOUR)
      assertNothingAlive(await bank.read('id'), 'the dead one was revived')
      await bank.save('id', { payload: 'b', expires: null })
      await bank.touch('id', 0)
      assertNothingAlive(await bank.read('id'))
    },
  }),
  bankCheck({
    name: 'an entry that was touched outlives its old death',
    why: 'contract: "Moves the death and leaves the payload alone."',
    needs: ['touch'],
    async run({ bank }) {
      const old = Date.now() + 80
      await bank.save('id', { payload: 'a', expires: old })
      await bank.save('forever', { payload: 'b', expires: old })
      const expires = odd(Date.now() + HOUR)
      await bank.touch('id', expires)
      await bank.touch('forever', null)
      // A slow backend may have let it die before the touch came: then this check can't say anything.
      if (Date.now() >= old) return
      await pastDeath(old)
      assertEntry(await bank.read('id'), { payload: 'a', expires })
      assertEntry(await bank.read('forever'), { payload: 'b', expires: null })
    },
  }),
  bankCheck({
    name: 'touch at the same time as save takes nothing back',
    why: 'contract: "Moves the death and leaves the payload alone."',
    needs: ['touch'],
    async run({ bank }) {
      const touched = odd(Date.now() + 2 * HOUR)
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('old'))
        const next = living(`new ${round}`)
        const touch = () => bank.touch('id', touched)
        const save = () => bank.save('id', next)
        const order = round % 2 === 0 ? [touch, save, touch] : [save, touch, touch]
        await Promise.all(order.map((operation) => operation()))
        const found = await bank.read('id')
        assert.equal(found?.payload, next.payload, 'a touch wrote back the old payload')
        assert.ok([touched, next.expires].includes(found.expires), 'the death is nobody’s')
      }
    },
  }),
  bankCheck({
    name: 'touch at the same time as delete brings nothing back',
    why: 'contract: "Never revives the dead; silent if there is nothing."',
    needs: ['touch'],
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('a'))
        const touch = () => bank.touch('id', Date.now() + HOUR)
        const remove = () => bank.delete('id')
        const order = round % 2 === 0 ? [touch, remove, touch] : [remove, touch, touch]
        await Promise.all(order.map((operation) => operation()))
        assert.equal(await bank.read('id'), null, 'it is there after its deletion')
      }
    },
  }),
]
