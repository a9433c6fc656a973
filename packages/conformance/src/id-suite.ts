import assert from 'node:assert/strict'
import type { Entry } from 'connect-databank'
import type { OpenedBank } from './bank-suite.ts'
import { manyIds } from './many-ids.ts'
import { StoredIds, shown } from './stored-ids.ts'
import type { Runner } from './suite.ts'

/** A bank, and what there is to see around its place. */
export interface OpenedForIds extends OpenedBank {
  /** Everything that lies beside the bank's place: it has to be the same before and after. */
  readonly outside?: () => Promise<unknown>
  /**
   * Puts many there by one command, laid out as the bank does it: for a server that would take minutes to save each. Some are
   * then saved over and deleted singly.
   */
  readonly saveMany?: (entries: readonly (readonly [id: string, entry: Entry])[]) => Promise<void>
}

/** What the suite of ids is given. */
export interface IdSuiteOptions {
  readonly open: () => Promise<OpenedForIds>
  /** How many ids; the environment variable ID_COUNT stands for it. Default: 50,000. */
  readonly count?: number
  /** How many operations are under way at once. Default: 256. */
  readonly atOnce?: number
  /** What chance begins with. Default: 1. */
  readonly seed?: number
  /** How long it may take, in milliseconds. Default: 120,000. */
  readonly time?: number
}

/**
 * Tells a test runner that many ids of every kind are kept apart by a bank, that none leaves its place and none makes it fail:
 * what lies beside the place is as it was, also when some were deleted, and when all were removed at once.
 */
export function idConformance({ describe, it }: Runner, options: IdSuiteOptions): void {
  const { seed = 1, time = 120_000, open, atOnce = 256 } = options
  const count = Number(process.env['ID_COUNT'] || (options.count ?? 50_000))
  describe('ids of every kind', () => {
    it(`${count} are kept apart, and none leaves the place`, () => keepApart(manyIds(count, seed), open, atOnce), time)
  })
}

async function keepApart(ids: readonly string[], open: IdSuiteOptions['open'], atOnce: number): Promise<void> {
  const { bank, saveMany, outside, close } = await open()
  try {
    const before = await outside?.()
    const assertOutside = async (when: string) => assert.deepEqual(await outside?.(), before, `what lies outside, ${when}`)
    const stored = new StoredIds(ids, { bank, saveMany, atOnce })
    await stored.save()
    await assertOutside('when all were saved')
    await stored.assertThere()
    await stored.deleteSome()
    await assertOutside('when some were deleted')
    await stored.clear()
    await assertOutside('when all were removed')
  } finally {
    await close()
  }
}

/**
 * Fails unless the keys under which a bank keeps its ids all differ, as the bytes that a database gets to see, and each is one
 * that `isInside` takes.
 */
export function assertKeysApart(
  keyOf: (id: string) => string | Uint8Array,
  {
    count = 50_000,
    seed = 1,
    isInside = () => true,
  }: { count?: number; seed?: number; isInside?: (key: string) => boolean } = {},
): void {
  const owners = new Map<string, string>()
  for (const id of manyIds(count, seed)) {
    const key = Buffer.from(keyOf(id) as string)
    const bytes = key.toString('latin1')
    const other = owners.get(bytes)
    assert.equal(other, undefined, `${shown(id)} and ${shown(other ?? '')} have the same key`)
    assert.ok(isInside(key.toString()), `the key of ${shown(id)} lies outside: ${shown(key.toString())}`)
    owners.set(bytes, id)
  }
}
