import assert from 'node:assert/strict'
import type { Entry } from 'connect-databank/backend'
import { shown } from './bank/helpers.ts'
import type { OpenedBank } from './bank-suite.ts'
import { manyIds } from './many-ids.ts'
import { StoredIds } from './stored-ids.ts'
import type { Runner } from './suite.ts'

/** A bank, and what is stored outside of it. */
export interface OpenedForIds extends OpenedBank {
  /** All data that are stored beside the bank's own entries. They must not change. */
  readonly outside?: () => Promise<unknown>
  /**
   * Stores many entries by one command, in the bank's own layout: for a server that would take minutes to save each. Some of them
   * are then saved and deleted one by one.
   */
  readonly saveMany?: (entries: readonly (readonly [id: string, entry: Entry])[]) => Promise<void>
}

/** Options of the suite of ids. */
export interface IdSuiteOptions {
  readonly open: () => Promise<OpenedForIds>
  /** How many ids. The environment variable ID_COUNT replaces it. Default: 50,000. */
  readonly count?: number
  /** How many operations run at once. Default: 256. */
  readonly atOnce?: number
  /** The seed of the random ids. Default: 1. */
  readonly seed?: number
  /** How long the test may take, in milliseconds. Default: 120,000. */
  readonly time?: number
}

/**
 * Registers a test that stores many ids of every kind: the bank keeps them apart, none makes it fail, and nothing is read or
 * changed outside of the bank, also when entries are deleted one by one or all at once.
 */
export function idConformance({ describe, it }: Runner, options: IdSuiteOptions): void {
  const { seed = 1, time = 120_000, open, atOnce = 256 } = options
  const count = Number(process.env['ID_COUNT'] || (options.count ?? 50_000))
  describe('ids of every kind', () => {
    it(
      `${count} ids are kept apart, and nothing outside of the bank changes`,
      () => keepApart(manyIds(count, seed), open, atOnce),
      time,
    )
  })
}

async function keepApart(ids: readonly string[], open: IdSuiteOptions['open'], atOnce: number): Promise<void> {
  const { bank, saveMany, outside, close } = await open()
  try {
    const before = await outside?.()
    const assertOutside = async (when: string) => assert.deepEqual(await outside?.(), before, `what is stored outside, ${when}`)
    const stored = new StoredIds(ids, { bank, saveMany, atOnce })
    await stored.save()
    await assertOutside('after all were saved')
    await stored.assertStored()
    await stored.deleteSome()
    await assertOutside('after some were deleted')
    await stored.clear()
    await assertOutside('after a clear')
  } finally {
    await close()
  }
}

/**
 * Fails unless `keyOf` gives each id a key of its own, compared as the bytes that a database receives, and `isInside` accepts
 * each key.
 */
export function assertKeysApart(
  keyOf: (id: string) => string | Uint8Array,
  {
    count = 50_000,
    seed = 1,
    isInside = () => true,
  }: { count?: number; seed?: number; isInside?: (key: string) => boolean } = {},
): void {
  const idsByKey = new Map<string, string>()
  for (const id of manyIds(count, seed)) {
    const key = Buffer.from(keyOf(id) as string)
    const bytes = key.toString('latin1')
    const other = idsByKey.get(bytes)
    assert.equal(other, undefined, `${shown(id)} and ${shown(other ?? '')} have the same key`)
    assert.ok(isInside(key.toString()), `the key of ${shown(id)} is outside: ${shown(key.toString())}`)
    idsByKey.set(bytes, id)
  }
}
