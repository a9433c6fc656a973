import assert from 'node:assert/strict'
import type { Entry } from 'connect-databank/backend'
import {
  assertEntry,
  assertNothingLive,
  type BankCheck,
  bankCheck,
  expired,
  HOUR,
  idsLike,
  live,
  odd,
  untilExpired,
} from './helpers.ts'

const READ = 'contract: "Returns the entry, or null."'
const SAVE = 'contract: "Stores the entry unconditionally."'
const DELETE = 'contract: "Deletes the entry. Returns whether there was one."'
const PAYLOAD = 'contract: "Opaque, well-formed Unicode text. A bank never looks inside."'
const EXPIRES = 'contract: "When the entry expires, in epoch milliseconds; null: never. Stored exactly."'

const PAYLOADS: readonly string[] = [
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
  '\ufeffa byte order mark in front',
  '\0 in front, \0 between, at the end \0',
  'a line\r\nand a line\nand a line\rand the last ',
  '"quotes" \'and\' \\back\\slashes\\ %s %d $1 {0}',
  '\x1f\x8b looks compressed',
]

/** Read, save and delete. */
export const entryChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'read returns null where nothing is stored',
    why: READ,
    async run({ bank }) {
      assert.equal(await bank.read('nobody'), null)
    },
  }),
  bankCheck({
    name: 'read returns what was saved',
    why: READ,
    async run({ bank }) {
      const [one, two] = [live('{"one":1}'), live('{"two":2}', 2 * HOUR)]
      await bank.save('one', one)
      await bank.save('two', two)
      assertEntry(await bank.read('one'), one)
      assertEntry(await bank.read('two'), two)
      assert.equal(await bank.read('three'), null)
    },
  }),
  bankCheck({
    name: 'save stores the entry whether or not another is stored',
    why: SAVE,
    async run({ bank }) {
      const entries = [
        live('a'),
        live('b', 2 * HOUR),
        { payload: 'c', expires: null },
        expired('d'),
        live('a much longer text'),
        live(''),
      ]
      for (const entry of entries) {
        await bank.save('id', entry)
        const found = await bank.read('id')
        if (entry.payload === 'd') assertNothingLive(found)
        else assertEntry(found, entry)
      }
    },
  }),
  bankCheck({
    name: 'a payload is kept exactly, whatever text it is',
    why: PAYLOAD,
    async run({ bank }) {
      for (const [index, payload] of PAYLOADS.entries()) {
        const entry = live(payload)
        await bank.save(`text-${index}`, entry)
        assertEntry(await bank.read(`text-${index}`), entry, `the text ${JSON.stringify(payload)}`)
      }
    },
  }),
  bankCheck({
    name: 'a payload of a megabyte is kept',
    why: PAYLOAD,
    async run({ bank }) {
      const entry = live('0123456789abcdé€😀'.repeat(60_000))
      await bank.save('large', entry)
      assertEntry(await bank.read('large'), entry)
      await bank.save('large', live('small'))
      assert.equal((await bank.read('large'))?.payload, 'small')
    },
  }),
  bankCheck({
    name: 'expires is kept exactly, to the millisecond',
    why: EXPIRES,
    async run({ bank }) {
      const start = Date.now() + HOUR
      for (const expires of [odd(start), odd(start) + 1, odd(start) - 1, start + 999, odd(start + 400 * 24 * HOUR)]) {
        await bank.save('id', { payload: 'a', expires })
        assert.equal((await bank.read('id'))?.expires, expires)
      }
    },
  }),
  bankCheck({
    name: 'an entry that never expires is kept',
    why: EXPIRES,
    async run({ bank }) {
      await bank.save('id', { payload: 'a', expires: null })
      assertEntry(await bank.read('id'), { payload: 'a', expires: null })
      await bank.save('id', live('b', 40))
      await bank.save('id', { payload: 'c', expires: null })
      await untilExpired(Date.now() + 60)
      assertEntry(await bank.read('id'), { payload: 'c', expires: null }, 'it expired when the entry before it would have')
    },
  }),
  bankCheck({
    name: 'expires may be as late as dates go',
    why: EXPIRES,
    async run({ bank }) {
      for (const expires of [Date.now() + 2 ** 31, Date.now() + 2 ** 32 * 1_000, 253_402_300_800_000, 8.64e15 - 1, 8.64e15]) {
        await bank.save('id', { payload: 'a', expires })
        assertEntry(await bank.read('id'), { payload: 'a', expires })
      }
    },
  }),
  bankCheck({
    name: 'save of an expired entry leaves no unexpired entry',
    why: SAVE,
    async run({ bank }) {
      for (const expires of [Date.now() - 1, Date.now() - HOUR, 1, 0, -1]) {
        await bank.save('id', live('before'))
        await bank.save('id', { payload: 'late', expires })
        assertNothingLive(await bank.read('id'), `an entry that expired at ${expires} is returned as unexpired`)
      }
    },
  }),
  bankCheck({
    name: 'read never returns an expired entry as unexpired',
    why: EXPIRES,
    async run({ bank }) {
      const expires = Date.now() + 60
      await bank.save('id', { payload: 'a', expires })
      await untilExpired(expires)
      assertNothingLive(await bank.read('id'))
    },
  }),
  bankCheck({
    name: 'delete removes the entry and returns whether there was one',
    why: DELETE,
    async run({ bank }) {
      assert.equal(await bank.delete('id'), false, 'nothing was stored')
      await bank.save('id', live('a'))
      await bank.save('other', live('b'))
      assert.equal(await bank.delete('id'), true)
      assert.equal(await bank.read('id'), null)
      assert.equal(await bank.delete('id'), false, 'it was deleted before')
      assert.equal((await bank.read('other'))?.payload, 'b')
      await bank.save('id', live('c'))
      assert.equal((await bank.read('id'))?.payload, 'c')
    },
  }),
  bankCheck({
    name: 'exactly one of parallel deletes returns true',
    why: DELETE,
    async run({ bank }) {
      for (let round = 0; round < 10; round++) {
        await bank.save('id', live('a'))
        const results = await Promise.all(Array.from({ length: 5 }, () => bank.delete('id')))
        assert.equal(results.filter((result) => result === true).length, 1)
        assert.equal(await bank.read('id'), null)
      }
    },
  }),
  bankCheck({
    name: 'a bank shares no object with its caller',
    why: 'common sense: an object that is changed after its save, or after its read, must not change what is stored',
    async run({ bank, ada }) {
      const entry = { payload: 'a', expires: odd(Date.now() + HOUR), owner: ada }
      const expected = { ...entry }
      await bank.save('id', entry)
      assert.deepEqual(entry, expected, 'save changed the entry that it was given')
      Object.assign(entry, { payload: 'changed after the save', expires: 0, owner: 'bob' })
      const found = await bank.read('id')
      assertEntry(found, expected)
      try {
        Object.assign(found!, { payload: 'changed after the read', expires: 0, owner: 'bob' })
      } catch {} // a bank may freeze what it returns
      assertEntry(await bank.read('id'), expected)
      await bank.save('frozen', Object.freeze({ ...expected }))
      assertEntry(await bank.read('frozen'), expected)
    },
  }),
  bankCheck({
    name: 'many saves at once are all stored',
    why: SAVE,
    async run({ bank }) {
      const entry = live('a')
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
    name: 'read during parallel saves returns one of the entries, never a mixture',
    why: 'common sense: a session is the old one or the new one',
    async run({ bank, ada }) {
      const entries: Entry[] = ['a', 'b', 'c'].map((letter, index) => ({
        ...live(letter.repeat(40_000 * (index + 1)), HOUR * (index + 1)),
        owner: ada && `${ada} of ${letter}`,
      }))
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
