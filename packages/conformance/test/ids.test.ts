import assert from 'node:assert/strict'
import type { Bank } from 'connect-databank/backend'
import { describe, it } from 'vitest'
import {
  allHostileIds,
  assertKeysApart,
  hostileIds,
  idConformance,
  manyIds,
  type OpenedForIds,
  ReferenceBank,
  type Table,
} from '../src/index.ts'

const COUNT = 2_000

/** The methods of a bank that makes keys of ids in this way. */
function keyed(table: Table, keyOf: (id: string) => string): Partial<Bank> {
  const bank = new ReferenceBank(table)
  return {
    read: async (id) => bank.read(keyOf(id)),
    save: async (id, entry) => bank.save(keyOf(id), entry),
    delete: async (id) => bank.delete(keyOf(id)),
  }
}

const reference = (table: Table) => new ReferenceBank(table)

/** Faults, each with what the suite says of it. `neighbour` lies beside the table. */
const faults: [fault: string, change: (table: Table, neighbours: Map<string, string>) => Partial<Bank>, found: RegExp][] = [
  ['ignores the case of ids', (table) => keyed(table, (id) => id.toLowerCase()), /the entry of|is missing before its/],
  ['normalizes ids', (table) => keyed(table, (id) => id.normalize('NFKC')), /the entry of|is missing before its/],
  ['cuts long ids', (table) => keyed(table, (id) => id.slice(0, 128)), /the entry of|is missing before its/],
  [
    'writes outside of its directory',
    (table, neighbours) => ({
      save: async (id, entry) => {
        if (id.startsWith('../')) neighbours.set(id.slice('../'.length), entry.payload)
        await reference(table).save(id, entry)
      },
    }),
    /outside, after all were saved/,
  ],
  [
    'rejects some ids',
    (table) => ({
      save: async (id, entry) => {
        if (id.includes('\0')) throw new Error('no NUL')
        await reference(table).save(id, entry)
      },
    }),
    /no NUL/,
  ],
  [
    'deletes all ids with the same prefix',
    (table) => ({
      delete: async (id) => {
        for (const other of table.keys()) if (other.startsWith(`${id}/`)) table.delete(other)
        return table.delete(id)
      },
    }),
    /is missing before its deletion|as many as are stored/,
  ],
  [
    'deletes what is stored outside',
    (table, neighbours) => ({
      delete: async (id) => {
        if (id === '*') neighbours.clear()
        return table.delete(id)
      },
    }),
    /outside, after some were deleted/,
  ],
  [
    'yields another id in scan',
    (table) => ({
      async *scan() {
        for (const [id, entry] of table) yield [id.trimEnd() || id, entry] as const
      },
    }),
    /scan yields/,
  ],
  [
    'clears what is stored outside',
    (table, neighbours) => ({
      clear: async () => {
        table.clear()
        neighbours.clear()
      },
    }),
    /outside, after a clear/,
  ],
  [
    'clears only what a pattern matches',
    (table) => ({
      clear: async () => {
        for (const id of table.keys()) if (/^.*$/.test(id)) table.delete(id)
      },
    }),
    /is stored after a clear|as many as are stored/,
  ],
]

type Way = 'saved one by one' | 'saved by one command'

/** Runs the suite on such a bank. */
async function run(change: (typeof faults)[number][1], way: Way = 'saved one by one', withoutScan = false): Promise<void> {
  const table: Table = new Map()
  const neighbours = new Map([['x', 'mine']])
  const bank: Bank = Object.assign(new ReferenceBank(table), change(table, neighbours))
  const open = async (): Promise<OpenedForIds> => ({
    bank: withoutScan ? Object.assign(bank, { scan: undefined, clear: undefined }) : bank,
    outside: async () => [...neighbours],
    ...(way === 'saved by one command' && {
      saveMany: async (entries) => {
        for (const [id, entry] of entries) table.set(id, entry)
      },
    }),
    close: async () => {},
  })
  let body = async (): Promise<void> => assert.fail('the suite registered no test')
  const it = (_name: string, test: unknown): void => {
    body = test as () => Promise<void>
  }
  idConformance({ describe: (_name, register) => register(), it }, { open, count: COUNT })
  await body()
}

describe('the suite of ids', () => {
  it.each(['saved one by one', 'saved by one command'] as const)('passes for a correct bank, %s', (way) => run(() => ({}), way))

  it('passes for a correct bank without scan', () => run(() => ({}), 'saved one by one', true))

  it.each(faults)('finds a bank that %s', (_fault, change, found) => assert.rejects(run(change), found))

  it('finds a bank without scan that deletes all ids with the same prefix', async () => {
    const [, change, found] = faults.find(([fault]) => fault === 'deletes all ids with the same prefix')!
    await assert.rejects(run(change, 'saved one by one', true), found)
  })

  it('finds a bank that saves under other keys than the one command', () =>
    assert.rejects(
      run((table) => ({ save: (id, entry) => reference(table).save(`${id} `, entry) }), 'saved by one command'),
      /the entry of|as many as are stored/,
    ))

  it('finds equal keys, and keys outside', () => {
    assert.throws(() => assertKeysApart((id) => id.toLowerCase(), { count: COUNT }), /have the same key/)
    const isInside = (key: string) => !key.includes('/')
    assert.throws(() => assertKeysApart((id) => JSON.stringify(id), { count: COUNT, isInside }), /is outside/)
    assertKeysApart((id) => JSON.stringify(id), { count: COUNT })
  })

  it('makes the same ids each time: different, well-formed, of 1 to 200 bytes', () => {
    const ids = manyIds(COUNT)
    assert.equal(new Set(ids).size, COUNT)
    for (const id of ids) assert.ok(id.isWellFormed() && id !== '' && Buffer.byteLength(id) <= 200, JSON.stringify(id))
    assert.ok(ids.some((id) => Buffer.byteLength(id) === 200))
    assert.deepEqual(ids.slice(0, allHostileIds.length), allHostileIds)
    assert.deepEqual(manyIds(COUNT), ids)
  })

  it('has no id twice in a group of hostile ids', () => {
    for (const [group, ids] of Object.entries(hostileIds)) assert.equal(new Set(ids).size, ids.length, group)
  })
})
