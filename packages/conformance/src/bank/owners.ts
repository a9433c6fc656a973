import assert from 'node:assert/strict'
import type { Bank } from 'connect-databank/backend'
import { assertEntry, type BankCheck, bankCheck, HOUR, listed, live, odd, saved, shown } from './helpers.ts'

const REPLACES = 'contract: "Every `save` and `swap` replaces it, `touch` keeps it, and a read returns it."'

/** Owners of 1,024 bytes: of one, two, three and four bytes a character. */
const longest = ['o'.repeat(1_024), 'é'.repeat(512), `a${'界'.repeat(341)}`, '😀'.repeat(256)]

/** Different owners that some software confuses with each other, or with a pattern, a property or a query. */
export const hostileOwners: readonly string[] = [
  'ada',
  'Ada',
  'ADA',
  'ada ',
  ' ada',
  'adam',
  'ad',
  'a',
  'a*',
  'a?a',
  '*',
  '%',
  '_da',
  '.*',
  '[a]da',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '0',
  '1',
  '01',
  '-1',
  'true',
  '{ada}',
  '{"$gt":""}',
  '$ne',
  "' OR 1=1 --",
  'sess:ada',
  'ada:1',
  'ada/bob',
  '../ada',
  'ada@example.org',
  'ada\0',
  '\0ada',
  'ada\n',
  'ada\r\nbob',
  '\u00e9',
  'e\u0301',
  'ß',
  'ss',
  'Ａｄａ',
  '👩‍💻',
  '👩',
  '😀',
  ...longest,
  `${'o'.repeat(1_023)}p`,
]

/** The owner of an entry. */
export const ownerChecks: readonly BankCheck[] = [
  bankCheck({
    name: 'read returns the owner that was saved',
    why: REPLACES,
    needs: ['owners'],
    async run({ bank }) {
      const [ada, nobody] = [{ ...live('a'), owner: 'ada' }, live('b')]
      await bank.save('ada', ada)
      await bank.save('nobody', nobody)
      await bank.save('null', { ...nobody, owner: null })
      assertEntry(await bank.read('ada'), ada)
      assertEntry(await bank.read('nobody'), nobody)
      assertEntry(await bank.read('null'), nobody)
    },
  }),
  bankCheck({
    name: 'an owner is kept exactly, whatever text of up to 1,024 bytes it is',
    why: 'contract: "The owner of the session: up to 1,024 bytes of UTF-8."',
    needs: ['owners'],
    async run({ bank }) {
      for (const [index, owner] of hostileOwners.entries()) {
        const entry = { ...live('a'), owner }
        await bank.save(`id-${index}`, entry)
        assertEntry(await bank.read(`id-${index}`), entry, shown(owner))
      }
    },
  }),
  bankCheck({
    name: 'save replaces the owner, also by none',
    why: REPLACES,
    needs: ['owners'],
    async run({ bank }) {
      for (const owner of ['ada', 'bob', undefined, 'ada', null]) {
        const entry = { ...live('a'), ...(owner !== undefined && { owner }) }
        await bank.save('id', entry)
        assertEntry(await bank.read('id'), entry)
      }
    },
  }),
  bankCheck({
    name: 'swap replaces the owner, also by none',
    why: REPLACES,
    needs: ['owners', 'swap'],
    async run({ bank }) {
      let version: string | null = null
      for (const [index, owner] of ['ada', 'bob', undefined, 'ada', null].entries()) {
        const entry = { ...live(`payload ${index}`), ...(owner !== undefined && { owner }) }
        version = await bank.swap('id', version, entry, Date.now())
        assertEntry(await bank.read('id'), entry)
      }
    },
  }),
  bankCheck({
    name: 'swap that fails keeps the owner',
    why: REPLACES,
    needs: ['owners', 'swap'],
    async run({ bank }) {
      const old = await saved(bank, 'id', { ...live('old'), owner: 'ada' })
      const entry = { ...live('a'), owner: 'bob' }
      await bank.save('id', entry)
      await bank.swap('id', old, { ...live('b'), owner: 'eve' }, Date.now())
      await bank.swap('id', null, live('c'), Date.now())
      assertEntry(await bank.read('id'), entry)
    },
  }),
  bankCheck({
    name: 'touch keeps the owner',
    why: REPLACES,
    needs: ['owners', 'touch'],
    async run({ bank }) {
      await saveForAdaAndNobody(bank)
      for (const expires of [odd(Date.now() + 2 * HOUR), null]) {
        for (const id of ['ada', 'nobody']) await bank.touch(id, expires, Date.now())
        await assertOwners(bank, expires)
      }
    },
  }),
  bankCheck({
    name: 'touchMany keeps the owner',
    why: REPLACES,
    needs: ['owners', 'touchMany'],
    async run({ bank }) {
      await saveForAdaAndNobody(bank)
      const expires = odd(Date.now() + 2 * HOUR)
      await bank.touchMany(
        ['ada', 'nobody'].map((id) => [id, expires] as const),
        Date.now(),
      )
      await assertOwners(bank, expires)
    },
  }),
  bankCheck({
    name: 'readMany returns the owners',
    why: REPLACES,
    needs: ['owners', 'readMany'],
    async run({ bank }) {
      await saveForAdaAndNobody(bank)
      const found = await bank.readMany(['nobody', 'missing', 'ada'])
      assert.deepEqual(
        found.map((stored) => stored?.owner ?? null),
        [null, null, 'ada'],
      )
    },
  }),
  bankCheck({
    name: 'scan yields the owners',
    why: REPLACES,
    needs: ['owners', 'scan'],
    async run({ bank }) {
      await saveForAdaAndNobody(bank)
      const found = await listed(bank.scan())
      assert.deepEqual(found.map(([id, stored]) => [id, stored.owner ?? null]).sort(), [
        ['ada', 'ada'],
        ['nobody', null],
      ])
    },
  }),
]

async function saveForAdaAndNobody(bank: Bank): Promise<void> {
  await bank.save('ada', { ...live('a'), owner: 'ada' })
  await bank.save('nobody', live('b'))
}

async function assertOwners(bank: Bank, expires: number | null): Promise<void> {
  assertEntry(await bank.read('ada'), { payload: 'a', expires, owner: 'ada' })
  assertEntry(await bank.read('nobody'), { payload: 'b', expires })
}
