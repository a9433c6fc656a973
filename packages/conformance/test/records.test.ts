import assert from 'node:assert/strict'
import { type Bank, extend, type Layer, type Stored } from 'connect-databank/backend'
import { describe, it } from 'vitest'
import { badRecords, ReferenceBank, recordConformance } from '../src/index.ts'

const opening = (layer: Layer) => async () => {
  const bank = layer(new ReferenceBank())
  return { bank, close: async () => bank.close?.() }
}

recordConformance({ describe, it }, { open: opening((bank) => bank) })

/** Runs the suite's tests for a bank under this layer. */
async function run(layer: Layer): Promise<void> {
  const tests: (() => Promise<void>)[] = []
  const runner = {
    describe: (_name: string, register: () => void) => register(),
    it: (_name: string, body: () => Promise<void>) => tests.push(body),
  }
  recordConformance(runner, { open: opening(layer), oneIn: 20 })
  for (const test of tests) await test()
}

/** A bank that takes a record for a session if it looks like one. */
const parsing = (parse: (stored: Stored) => Stored): Layer => {
  return (bank) =>
    extend(bank, {
      async *scan() {
        for await (const [id, stored] of bank.scan!()) yield [id, parse(stored)] as const
      },
    })
}

describe('the suite of bad records', () => {
  it('finds a bank whose scan fails at a record that is no JSON', async () => {
    const layer = parsing((stored) => {
      JSON.parse(stored.payload)
      return stored
    })
    await assert.rejects(run(layer), /JSON/)
  })

  it('finds a bank that refuses records without a code', async () => {
    const layer = (bank: Bank): Bank =>
      extend(bank, {
        save: async (id, entry) => {
          if (id.startsWith('bad') && !entry.payload.includes('cookie')) throw new Error('no session')
          return bank.save(id, entry)
        },
      })
    await assert.rejects(run(layer), /was refused without a code/)
  })

  it('finds a bank whose clean-up deletes more than expired entries', async () => {
    const layer = (bank: Bank): Bank => extend(bank, { purge: () => bank.clear!().then(() => 0) })
    await assert.rejects(run(layer), /after the clean-up/)
  })

  it('finds a bank that loses the sessions beside a bad record', async () => {
    const layer = (bank: Bank): Bank =>
      extend(bank, {
        async *scan() {
          for await (const [id, stored] of bank.scan!()) {
            if (!stored.payload.includes('"good"')) return
            yield [id, stored] as const
          }
        },
      })
    // The records come after the sessions that were stored first; the bank here lists the last ones first.
    const reversed: Layer = (bank) =>
      layer(
        extend(bank, {
          async *scan() {
            const all = []
            for await (const pair of bank.scan!()) all.push(pair)
            yield* all.reverse()
          },
        }),
      )
    await assert.rejects(run(reversed), /all/)
  })

  it('has well-formed records of many kinds, none longer than asked', () => {
    const records = badRecords()
    assert.ok(records.length > 350)
    for (const { name, payload } of records) assert.ok(payload.isWellFormed(), name)
    assert.ok(badRecords(1_000).every(({ payload }) => Buffer.byteLength(payload) <= 1_000))
  })
})
