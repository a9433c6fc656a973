import { createRequire } from 'node:module'
import { historyConformance, ownerInHistories, ReferenceBank, runHistories, throwFailure } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { type Databank, fromDatabank } from '../src/databank/databank.ts'
import { coalesce } from '../src/layers/coalesce.ts'
import { DatabankStore } from '../src/store.ts'

const { Databank: databank } = createRequire(import.meta.url)('databank')

async function memoryDriver(): Promise<Databank> {
  const db = databank.get('memory', { schema: { session: { pkey: 'sid' } } })
  await new Promise<void>((resolve, reject) => db.connect({}, (error: unknown) => (error ? reject(error) : resolve())))
  return db
}

describe('a databank driver, in one process', () => {
  historyConformance(
    { describe, it },
    {
      rounding: 0,
      runs: 400,
      open: async (layer) => {
        const store = new DatabankStore({ bank: layer(fromDatabank(await memoryDriver())) })
        return { store, close: () => store.close() }
      },
    },
  )
})

// Each list of an owner's sessions reads the sessions of all histories: so these are few.
describe('a databank driver, in one process, with owners', () => {
  historyConformance(
    { describe, it },
    {
      owners: true,
      rounding: 0,
      runs: 100,
      open: async (layer) => {
        const store = new DatabankStore({ bank: layer(fromDatabank(await memoryDriver())), owner: ownerInHistories })
        return { store, close: () => store.close() }
      },
    },
  )
})

describe.each([
  ['all capabilities, coalesced', (bank: Bank) => coalesce(bank)],
  ['swap and no touch', ({ touch: _, touchMany: _many, ...rest }: Bank): Bank => rest],
])('a bank of %s', (_name, change) => {
  historyConformance(
    { describe, it },
    {
      owners: true,
      rounding: 0,
      runs: 400,
      open: async (layer) => {
        const table = new Map()
        const bank = () => change(layer(new ReferenceBank(table)))
        const open = () => new DatabankStore({ bank: bank(), owner: ownerInHistories })
        const store = open()
        return { store, another: async () => open(), close: () => store.close() }
      },
    },
  )
})

describe('random histories', () => {
  it('500 with calls that time out and happen later', async () => {
    const report = await runHistories({
      calls: 'ordered',
      rounding: 0,
      faults: ['late'],
      runs: 500,
      atOnce: 50,
      open: async (layer) => {
        const bank = layer(new ReferenceBank())
        const open = () => new DatabankStore({ bank, timeout: 200 })
        const store = open()
        return { store, another: async () => open(), close: () => store.close() }
      },
    })
    throwFailure(report)
  })
})
