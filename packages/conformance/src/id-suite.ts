import assert from 'node:assert/strict'
import type { OpenedBank } from './bank-suite.ts'
import { manyIds } from './many-ids.ts'
import type { Runner } from './suite.ts'

/** A bank, and what there is to see around its place. */
export interface OpenedForIds extends OpenedBank {
  /** Everything that lies beside the bank's place: it has to be the same before and after. */
  readonly outside?: () => Promise<unknown>
}

/** What the suite of ids is given. */
export interface IdSuiteOptions {
  readonly open: () => Promise<OpenedForIds>
  /** How many ids. Default: 50,000. */
  readonly count?: number
  /** How many operations are under way at once. Default: 256. */
  readonly atOnce?: number
  /** What chance begins with. Default: 1. */
  readonly seed?: number
  /** How long it may take, in milliseconds. Default: 60,000. */
  readonly time?: number
}

/** Tells a test runner that many ids of every kind are kept apart by a bank, that none leaves its place and none makes it fail. */
export function idConformance(
  { describe, it }: Runner,
  { count = 50_000, seed = 1, time = 60_000, ...options }: IdSuiteOptions,
): void {
  describe('ids of every kind', () => {
    it(`${count} are kept apart, and none leaves the place`, () => keepApart(manyIds(count, seed), options), time)
  })
}

async function keepApart(ids: readonly string[], { open, atOnce = 256 }: Pick<IdSuiteOptions, 'open' | 'atOnce'>): Promise<void> {
  const opened = await open()
  const { bank } = opened
  const each = (work: (id: string, index: number) => Promise<unknown>) => inParallel(ids, atOnce, work)
  try {
    const before = await opened.outside?.()
    const expires = Date.now() + 3_600_000
    await each((id, index) => bank.save(id, { payload: `${index}`, expires }))
    await each(async (id, index) => assert.equal((await bank.read(id))?.payload, `${index}`, `the entry of ${shown(id)}`))
    if (bank.scan !== undefined) {
      const found = new Map<string, string>()
      for await (const [id, { payload }] of bank.scan()) found.set(id, payload)
      assert.equal(found.size, ids.length, 'scan gives as many as there are')
      for (const [index, id] of ids.entries()) assert.equal(found.get(id), `${index}`, `scan gives ${shown(id)}`)
    }
    assert.deepEqual(await opened.outside?.(), before, 'what lies outside is as it was')
    const isDeleted = (index: number): boolean => index % 2 === 0
    await each(async (id, index) => {
      if (isDeleted(index)) assert.equal(await bank.delete(id), true, `${shown(id)} was there to be deleted`)
    })
    await each(async (id, index) => {
      const payload = (await bank.read(id))?.payload
      assert.equal(payload, isDeleted(index) ? undefined : `${index}`, `${shown(id)}, after others were deleted`)
    })
    assert.deepEqual(await opened.outside?.(), before, 'what lies outside is as it was')
  } finally {
    await opened.close()
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

async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += atOnce) {
    await Promise.all(items.slice(start, start + atOnce).map((item, offset) => work(item, start + offset)))
  }
}

function shown(id: string): string {
  return id.length > 60 ? `${JSON.stringify(id.slice(0, 60))}… of ${id.length}` : JSON.stringify(id)
}
