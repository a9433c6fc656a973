import { rm } from 'node:fs/promises'
import { storeConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { DiskBank, DiskStore } from '../src/index.ts'
import { newDirectory } from './helpers.ts'

storeConformance(
  { describe, it },
  {
    open: async () => {
      const path = newDirectory()
      const stores: DatabankStore[] = []
      const keep = (store: DatabankStore): DatabankStore => {
        stores.push(store)
        return store
      }
      const another = async () => keep(new DiskStore({ path }))
      return {
        store: await another(),
        another,
        configured: async (settings, layer) =>
          keep(new DatabankStore({ ...settings, bank: (context) => layer(new DiskBank({ path }, context)) })),
        close: async () => {
          await Promise.all(stores.map((store) => store.close()))
          await rm(path, { recursive: true })
        },
      }
    },
    rounding: 0,
  },
)
