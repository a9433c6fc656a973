import assert from 'node:assert/strict'
import type { Bank, Entry } from 'connect-databank'
import { describe, it } from 'vitest'
import { assertKeysApart, idConformance, manyIds, type OpenedForIds } from '../src/index.ts'
import { type Place, ReferenceBank } from './fixtures/reference-bank.ts'

const COUNT = 2_000

/** What a bank does whose ids become keys that way. */
function keyed(place: Place, keyOf: (id: string) => string): Partial<Bank> {
  const bank = new ReferenceBank(place)
  return {
    read: async (id) => bank.read(keyOf(id)),
    save: async (id, entry) => bank.save(keyOf(id), entry),
    delete: async (id) => bank.delete(keyOf(id)),
  }
}

const reference = (place: Place) => new ReferenceBank(place)

/** Faults, each with what the suite says of it. `neighbour` lies beside the place. */
const faults: [fault: string, change: (place: Place, neighbours: Map<string, string>) => Partial<Bank>, found: RegExp][] = [
  ['takes upper and lower case for the same', (place) => keyed(place, (id) => id.toLowerCase()), /the entry of|was there to be/],
  ['takes normal forms for the same', (place) => keyed(place, (id) => id.normalize('NFKC')), /the entry of|was there to be/],
  ['takes lone surrogates for the same', (place) => keyed(place, (id) => id.toWellFormed()), /the entry of|was there to be/],
  ['cuts long ids', (place) => keyed(place, (id) => id.slice(0, 255)), /the entry of|was there to be/],
  [
    'leaves its place',
    (place, neighbours) => ({
      save: async (id, entry) => {
        if (id.startsWith('../')) neighbours.set(id.slice('../'.length), entry.payload)
        await reference(place).save(id, entry)
      },
    }),
    /outside, when all were saved/,
  ],
  [
    'fails at some id',
    (place) => ({
      save: async (id, entry) => {
        if (id.includes('\0')) throw new Error('no NUL')
        await reference(place).save(id, entry)
      },
    }),
    /no NUL/,
  ],
  [
    'deletes what begins alike',
    (place) => ({
      delete: async (id) => {
        for (const other of place.keys()) if (other.startsWith(`${id}/`)) place.delete(other)
        return place.delete(id)
      },
    }),
    /was there to be deleted|as many as there are/,
  ],
  [
    'deletes its neighbour’s',
    (place, neighbours) => ({
      delete: async (id) => {
        if (id === '*') neighbours.clear()
        return place.delete(id)
      },
    }),
    /outside, when some were deleted/,
  ],
  [
    'lists under another id',
    (place) => ({
      async *scan() {
        for (const [id, entry] of place) yield [id.trimEnd() || id, entry] as const
      },
    }),
    /scan gives/,
  ],
  [
    'clears all that is there, its neighbour’s too',
    (place, neighbours) => ({
      clear: async () => {
        place.clear()
        neighbours.clear()
      },
    }),
    /outside, when all were removed/,
  ],
  [
    'clears what a pattern finds',
    (place) => ({
      clear: async () => {
        for (const id of place.keys()) if (/^.*$/.test(id)) place.delete(id)
      },
    }),
    /is gone with the others|as many as there are/,
  ],
]

type Ways = 'saved singly' | 'put by one command'

/** Runs the suite on such a bank. */
async function run(change: (typeof faults)[number][1], ways: Ways = 'saved singly', withoutScan = false): Promise<void> {
  const place: Place = new Map<string, Entry>()
  const neighbours = new Map([['x', 'mine']])
  const bank: Bank = Object.assign(new ReferenceBank(place), change(place, neighbours))
  const open = async (): Promise<OpenedForIds> => ({
    bank: withoutScan ? Object.assign(bank, { scan: undefined, clear: undefined }) : bank,
    outside: async () => [...neighbours],
    ...(ways === 'put by one command' && {
      saveMany: async (entries) => {
        for (const [id, entry] of entries) place.set(id, entry)
      },
    }),
    close: async () => {},
  })
  let body = async (): Promise<void> => assert.fail('the suite told of no test')
  const it = (_name: string, test: unknown): void => {
    body = test as () => Promise<void>
  }
  idConformance({ describe: (_name, tell) => tell(), it }, { open, count: COUNT })
  await body()
}

describe('the suite of ids', () => {
  it.each(['saved singly', 'put by one command'] as const)('finds nothing in a bank that is right, %s', (ways) =>
    run(() => ({}), ways),
  )

  it('finds nothing in a bank that cannot list, and is right', () => run(() => ({}), 'saved singly', true))

  it.each(faults)('finds a bank that %s', (_fault, change, found) => assert.rejects(run(change), found))

  it('finds a bank that cannot list, and deletes what begins alike', async () => {
    const [, change, found] = faults.find(([fault]) => fault === 'deletes what begins alike')!
    await assert.rejects(run(change, 'saved singly', true), found)
  })

  it('finds a bank whose saves do not meet what was put', () =>
    assert.rejects(
      run((place) => ({ save: (id, entry) => reference(place).save(`${id} `, entry) }), 'put by one command'),
      /the entry of|as many as there are/,
    ))

  it('finds keys that are the same, and keys outside', () => {
    assert.throws(() => assertKeysApart((id) => id.toLowerCase(), { count: COUNT }), /have the same key/)
    assert.throws(() => assertKeysApart((id) => id, { count: COUNT }), /have the same key/, 'lone surrogates as UTF-8')
    const isInside = (key: string) => !key.includes('/')
    assert.throws(() => assertKeysApart((id) => JSON.stringify(id), { count: COUNT, isInside }), /lies outside/)
    assertKeysApart((id) => JSON.stringify(id), { count: COUNT })
  })

  it('makes as many different ids as it is asked for, always the same', () => {
    const ids = manyIds(COUNT)
    assert.equal(new Set(ids).size, COUNT)
    assert.ok(!ids.includes(''))
    assert.deepEqual(manyIds(COUNT), ids)
  })
})
