import { rm } from 'node:fs/promises'
import { historyConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { newDirectory } from './helpers.ts'

historyConformance(
  { describe, it },
  {
    rounding: 0,
    open: async (layer) => {
      const path = newDirectory()
      const stores: DatabankStore[] = []
      const open = async () => {
        const store = new DatabankStore({ bank: layer(new DiskBank({ path })) })
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
