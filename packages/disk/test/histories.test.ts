import { rm } from 'node:fs/promises'
import { historyConformance, ownerInHistories } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { newDirectory } from './helpers.ts'

// Without an index of owners, each list of an owner's sessions reads the sessions of all histories: so these are few.
describe.each([
  ['with owners', 40],
  ['without owners', 300],
])('%s', (name, runs) => {
  const owners = name === 'with owners'
  historyConformance(
    { describe, it },
    {
      owners,
      rounding: 0,
      runs,
      open: async (layer) => {
        const path = newDirectory()
        const stores: DatabankStore[] = []
        const open = async () => {
          const store = new DatabankStore({ bank: layer(new DiskBank({ path })), ...(owners && { owner: ownerInHistories }) })
          stores.push(store)
          return store
        }
        return {
          store: await open(),
          another: open,
          close: async () => {
            for (const store of stores) await store.close()
            await rm(path, { recursive: true, force: true })
          },
        }
      },
    },
  )
})
