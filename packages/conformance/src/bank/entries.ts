import assert from 'node:assert/strict'
import type { Entry } from 'connect-databank'
import { assertEntry, assertNothingAlive, type BankCheck, bankCheck, dead, HOUR, idsLike, living, odd, pastDeath } from './kit.ts'

const TEXTS: readonly string[] = [
  '',
  ' ',
  '\n',
  'null',
  '0',
  '{"cookie":{"path":"/"}}',
  '{"unclosed":',
  '{"b":1, "a" : 2 }',
  '{"a":1,"a":2}',
  'ünïcödé ÿ € 中文 😀 \u2028 \ufeff \ufffd \uffff',
  '\ufeffmark of order in front',
  '\0 in front, \0 between, behind \0',
  'a line\r\nand a line\nand a line\rand the last ',
  '"quotes" \'and\' \\back\\slashes\\ %s %d $1 {0}',
  '\x1f\x8b looks packed',
]

/** Reading, saving, deleting. */
export const entryChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'read of what is not there is null',
    why: 'contract: "The entry under this id, or null."',
    async run({ bank }) {
      assert.equal(await bank.read('nobody'), null)
    },
  }),
  bankCheck({
    name: 'read gives what was saved',
    why: 'contract: "The entry under this id, or null."',
    async run({ bank }) {
      const [one, two] = [living('{"one":1}'), living('{"two":2}', 2 * HOUR)]
      assert.equal(await bank.save('one', one), undefined)
      await bank.save('two', two)
      assertEntry(await bank.read('one'), one)
      assertEntry(await bank.read('two'), two)
      assert.equal(await bank.read('three'), null)
    },
  }),
  bankCheck({
    name: 'save stores the entry, whatever was there',
    why: 'contract: "Stores the entry, whatever was there."',
    async run({ bank }) {
      const entries = [
        living('a'),
        living('b', 2 * HOUR),
        { payload: 'c', expires: null },
        dead('d'),
        living('a much longer text'),
        living(''),
      ]
      for (const entry of entries) {
        await bank.save('id', entry)
        const found = await bank.read('id')
        if (entry.payload === 'd') assertNothingAlive(found)
        else assertEntry(found, entry)
      }
    },
  }),
  bankCheck({
    name: 'a payload is opaque text, kept exactly',
    why: 'contract: "Opaque text. A bank never looks inside."',
    async run({ bank }) {
      for (const [index, payload] of TEXTS.entries()) {
        const entry = living(payload)
        await bank.save(`text-${index}`, entry)
        assertEntry(await bank.read(`text-${index}`), entry, `the text ${JSON.stringify(payload)}`)
      }
    },
  }),
  bankCheck({
    name: 'a payload may have a megabyte',
    why: 'contract: "Opaque text. A bank never looks inside."',
    async run({ bank }) {
      const entry = living('0123456789abcdé€😀'.repeat(60_000))
      await bank.save('large', entry)
      assertEntry(await bank.read('large'), entry)
      await bank.save('large', living('small'))
      assert.equal((await bank.read('large'))?.payload, 'small')
    },
  }),
  bankCheck({
    name: 'expires is exact to the millisecond',
    why: 'contract: "Exact: what the last save, swap or touch said."',
    async run({ bank }) {
      const start = Date.now() + HOUR
      for (const expires of [odd(start), odd(start) + 1, odd(start) - 1, start + 999, odd(start + 400 * 24 * HOUR)]) {
        await bank.save('id', { payload: 'a', expires })
        assert.equal((await bank.read('id'))?.expires, expires)
      }
    },
  }),
  bankCheck({
    name: 'an entry without a death is kept as such',
    why: 'contract: "When the entry dies, in epoch milliseconds; null if it never does."',
    async run({ bank }) {
      await bank.save('id', { payload: 'a', expires: null })
      assertEntry(await bank.read('id'), { payload: 'a', expires: null })
      await bank.save('id', living('b', 40))
      await bank.save('id', { payload: 'c', expires: null })
      await pastDeath(Date.now() + 60)
      assertEntry(await bank.read('id'), { payload: 'c', expires: null }, 'the death of the entry before it struck')
    },
  }),
  bankCheck({
    name: 'a death may be as far away as dates go',
    why: 'contract: "When the entry dies, in epoch milliseconds; null if it never does."',
    async run({ bank }) {
      for (const expires of [Date.now() + 2 ** 31, Date.now() + 2 ** 32 * 1_000, 253_402_300_800_000, 8.64e15 - 1, 8.64e15]) {
        await bank.save('id', { payload: 'a', expires })
        assertEntry(await bank.read('id'), { payload: 'a', expires })
      }
    },
  }),
  bankCheck({
    name: 'save of a dead entry leaves nothing alive',
    why: 'contract: "Stores the entry, whatever was there.", "so a bank may drop one"',
    async run({ bank }) {
      for (const expires of [Date.now() - 1, Date.now() - HOUR, 1, 0, -1]) {
        await bank.save('id', living('before'))
        await bank.save('id', { payload: 'late', expires })
        assertNothingAlive(await bank.read('id'), `an entry that died at ${expires} is alive`)
      }
    },
  }),
  bankCheck({
    name: 'an entry is never alive after its death',
    why: 'contract: "When the entry dies, in epoch milliseconds; null if it never does."',
    async run({ bank }) {
      const expires = Date.now() + 60
      await bank.save('id', { payload: 'a', expires })
      await pastDeath(expires)
      assertNothingAlive(await bank.read('id'))
    },
  }),
  bankCheck({
    name: 'delete removes the entry and answers whether there was one',
    why: 'contract: "Removes the entry; answers whether there was one."',
    async run({ bank }) {
      assert.equal(await bank.delete('id'), false, 'nothing was there')
      await bank.save('id', living('a'))
      await bank.save('other', living('b'))
      assert.equal(await bank.delete('id'), true)
      assert.equal(await bank.read('id'), null)
      assert.equal(await bank.delete('id'), false, 'it was gone')
      assert.equal((await bank.read('other'))?.payload, 'b')
      await bank.save('id', living('c'))
      assert.equal((await bank.read('id'))?.payload, 'c')
    },
  }),
  bankCheck({
    name: 'of parallel deletes exactly one answers true',
    why: 'contract: "Removes the entry; answers whether there was one."',
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', living('a'))
        const answers = await Promise.all(Array.from({ length: 5 }, () => bank.delete('id')))
        assert.equal(answers.filter((answer) => answer === true).length, 1)
        assert.equal(await bank.read('id'), null)
      }
    },
  }),
  bankCheck({
    name: 'what was saved belongs to the bank alone',
    why: 'plain sense: nobody holds a live reference to stored data',
    async run({ bank }) {
      const entry = { payload: 'a', expires: odd(Date.now() + HOUR) }
      const expected = { ...entry }
      await bank.save('id', entry)
      assert.deepEqual(entry, expected, 'save changed the entry that it was given')
      entry.payload = 'changed by the one who saved'
      entry.expires = 0
      const found = (await bank.read('id')) as { payload: string; expires: number | null }
      assertEntry(found, expected)
      try {
        found.payload = 'changed by the one who read'
        found.expires = 0
      } catch {} // a frozen entry cannot be changed at all, which is fine
      assertEntry(await bank.read('id'), expected)
      await bank.save('frozen', Object.freeze({ ...expected }))
      assertEntry(await bank.read('frozen'), expected)
    },
  }),
  bankCheck({
    name: 'many saves at once all arrive',
    why: 'contract: "Stores the entry, whatever was there."',
    async run({ bank }) {
      const entry = living('a')
      const ids = idsLike('many', 200)
      await Promise.all(ids.map((id) => bank.save(id, { ...entry, payload: id })))
      const found = await Promise.all(ids.map((id) => bank.read(id)))
      assert.deepEqual(
        found.map((one) => one?.payload),
        ids,
      )
    },
  }),
  bankCheck({
    name: 'of saves at once one is there, whole',
    why: 'plain sense: a session is the old one or the new one, never a mixture',
    async run({ bank }) {
      const entries: Entry[] = ['a', 'b', 'c'].map((letter, index) =>
        living(letter.repeat(40_000 * (index + 1)), HOUR * (index + 1)),
      )
      await bank.save('id', entries[0]!)
      for (let round = 0; round < 5; round++) {
        const saves = Promise.all(entries.map((entry) => bank.save('id', entry)))
        const reads = await Promise.all(Array.from({ length: 5 }, () => bank.read('id')))
        await saves
        for (const found of [...reads, await bank.read('id')]) {
          assertEntry(found, entries.find(({ expires }) => expires === found?.expires) ?? entries[0]!, 'a mixture was read')
        }
      }
    },
  }),
]
