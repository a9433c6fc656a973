import assert from 'node:assert/strict'
import { type Bank, versionOf } from 'connect-databank/backend'
import { type BankCheck, bankCheck, expired, HOUR, listed, live, odd, saved, storedVersion } from './helpers.ts'

const CHANGES = 'contract: "Every `save` and `swap` that changes the payload changes it"'
const TOUCH = 'contract: "`touch` does not."'
const WHY_DELETED =
  'common sense: a request that loaded a session before its deletion must not overwrite the session that was stored later'
const SWAP =
  'contract: "Returns the new version (the payload, if the bank has no versions of its own), or null if it did not swap."'

/** The version of an entry. */
export const versionChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'save that changes the payload changes the version',
    why: CHANGES,
    async run({ bank }) {
      const payloads = ['a', 'b', 'B', 'b ', '', 'a'.repeat(3_000), `${'a'.repeat(2_999)}b`]
      let before = await saved(bank, 'id', live('before'))
      for (const payload of payloads) {
        const after = await saved(bank, 'id', live(payload))
        assert.notEqual(after, before, `the save of ${payload.slice(0, 9)} kept the version`)
        before = after
      }
      // With the same expiry too.
      const { expires } = live('a')
      const first = await saved(bank, 'same expiry', { payload: 'a', expires })
      assert.notEqual(await saved(bank, 'same expiry', { payload: 'b', expires }), first)
    },
  }),
  bankCheck({
    name: 'save returns the new version if the bank has versions of its own',
    why: 'contract: "Returns the new version, if the bank has versions of its own."',
    async run({ bank }) {
      for (const entry of [live('a'), { payload: 'b', expires: null }, { ...live('b'), owner: 'ada' }, live('')]) {
        const result = await bank.save('id', entry)
        const stored = await bank.read('id')
        if (result === undefined) assert.equal(stored?.version, undefined, 'save returned no version, and read returns one')
        else assert.equal(result, versionOf(stored!), 'save returned another version than read')
      }
    },
  }),
  bankCheck({
    name: 'a version is text',
    why: 'contract: "Returns the new version, if the bank has versions of its own."',
    async run({ bank }) {
      await bank.save('id', live('a'))
      const version = (await bank.read('id'))?.version
      assert.ok(version === undefined || typeof version === 'string', `the version is ${String(version)}`)
    },
  }),
  bankCheck({
    name: 'swap that changes the payload changes the version',
    why: CHANGES,
    needs: ['swap'],
    async run({ bank }) {
      const { expires } = live('a')
      const before = await saved(bank, 'id', { payload: 'a', expires })
      await bank.swap('id', before, { payload: 'b', expires }, Date.now())
      const after = await storedVersion(bank, 'id')
      assert.notEqual(after, before)
      assert.equal(await bank.swap('id', before, live('c'), Date.now()), null, 'the old version still matched')
      await bank.swap('id', after, { payload: 'c', expires }, Date.now())
      assert.notEqual(await storedVersion(bank, 'id'), after)
    },
  }),
  bankCheck({
    name: 'swap returns the version that it stored',
    why: SWAP,
    needs: ['swap'],
    async run({ bank }) {
      let expected: string | null = null
      for (let round = 0; round < 5; round++) {
        const version: string | null = await bank.swap('id', expected, live(`round ${round}`), Date.now())
        assert.equal(version, await storedVersion(bank, 'id'), `round ${round}: read returns another version`)
        expected = version
      }
      await bank.save('expired', expired('a'))
      assert.equal(await bank.swap('expired', null, live('b'), Date.now()), await storedVersion(bank, 'expired'))
    },
  }),
  bankCheck({
    name: 'swap succeeds with the version that the last swap or save returned',
    why: SWAP,
    needs: ['swap'],
    async run({ bank }) {
      let version = (await bank.save('id', live('saved'))) ?? 'saved'
      for (let round = 0; round < 5; round++) {
        const next = await bank.swap('id', version, live(`round ${round}`), Date.now())
        assert.ok(typeof next === 'string', `round ${round}: it did not swap`)
        assert.equal((await bank.read('id'))?.payload, `round ${round}`)
        version = next
      }
    },
  }),
  bankCheck({
    name: 'touch does not change the version',
    why: TOUCH,
    needs: ['touch'],
    async run({ bank }) {
      const version = await saved(bank, 'id', live('a'))
      for (const expires of [odd(Date.now() + 2 * HOUR), odd(Date.now() + HOUR / 2), null]) {
        await bank.touch('id', expires, Date.now())
        assert.equal(await storedVersion(bank, 'id'), version)
      }
    },
  }),
  bankCheck({
    name: 'touchMany does not change the version',
    why: TOUCH,
    needs: ['touchMany'],
    async run({ bank }) {
      const versions = [await saved(bank, 'a', live('a')), await saved(bank, 'b', live('b'))]
      await bank.touchMany(
        ['a', 'b'].map((id) => [id, odd(Date.now() + 2 * HOUR)] as const),
        Date.now(),
      )
      assert.deepEqual([await storedVersion(bank, 'a'), await storedVersion(bank, 'b')], versions)
    },
  }),
  bankCheck({
    name: 'swap succeeds after a touch, with the version of before',
    why: TOUCH,
    needs: ['swap', 'touch'],
    async run({ bank }) {
      const version = await saved(bank, 'id', live('a'))
      await bank.touch('id', odd(Date.now() + 2 * HOUR), Date.now())
      assert.notEqual(await bank.swap('id', version, live('b'), Date.now()), null, 'the touch kept it from swapping')
      assert.equal((await bank.read('id'))?.payload, 'b')
    },
  }),
  bankCheck({
    name: 'swap fails with a version from before a deletion',
    why: WHY_DELETED,
    needs: ['swap'],
    async run({ bank }) {
      const version = await saved(bank, 'id', live('first'))
      await bank.delete('id')
      await bank.save('id', live('second'))
      assert.equal(await bank.swap('id', version, live('third'), Date.now()), null, 'after a deletion and a save')
      const second = await storedVersion(bank, 'id')
      await bank.delete('id')
      await bank.swap('id', null, live('third'), Date.now())
      assert.equal(await bank.swap('id', second, live('fourth'), Date.now()), null, 'after a deletion and a swap')
      assert.equal((await bank.read('id'))?.payload, 'third')
      await bank.save('expired', expired('first'))
      const before = await bank.read('expired')
      if (before === null) return // the database has deleted it already
      await bank.swap('expired', null, live('second'), Date.now())
      const result = await bank.swap('expired', versionOf(before), live('third'), Date.now())
      assert.equal(result, null, 'after an expiry and a swap')
    },
  }),
  bankCheck({
    name: 'readMany returns the version that read returns',
    why: 'contract: "Several reads at once."',
    needs: ['readMany'],
    async run({ bank }) {
      for (const id of ['a', 'b', 'c']) await bank.save(id, live(`of ${id}`))
      await bank.save('b', live('another'))
      const found = await bank.readMany(['c', 'a', 'b'])
      assert.deepEqual(
        found.map((stored) => stored?.version),
        await versions(bank, ['c', 'a', 'b']),
      )
    },
  }),
  bankCheck({
    name: 'scan yields the version that read returns',
    why: 'contract: "Streams all entries"',
    needs: ['scan'],
    async run({ bank }) {
      for (const id of ['a', 'b', 'c']) await bank.save(id, live(`of ${id}`))
      await bank.save('b', live('another'))
      const found = await listed(bank.scan())
      assert.deepEqual(
        found.map(([, stored]) => stored.version),
        await versions(
          bank,
          found.map(([id]) => id),
        ),
      )
    },
  }),
]

async function versions(bank: Bank, ids: readonly string[]): Promise<(string | undefined)[]> {
  const found = await Promise.all(ids.map((id) => bank.read(id)))
  return found.map((stored) => stored?.version)
}
