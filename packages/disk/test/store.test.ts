import { rm } from 'node:fs/promises'
import { storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { DiskStore } from '../src/index.ts'
import { newDirectory } from './helpers.ts'

storeConformance(
  { describe, it },
  {
    open: async () => {
      const path = newDirectory()
      const stores = [new DiskStore({ path })]
      return {
        store: stores[0]!,
        another: async () => {
          stores.push(new DiskStore({ path }))
          return stores.at(-1)!
        },
        close: async () => {
          await Promise.all(stores.map((store) => store.close()))
          await rm(path, { recursive: true })
        },
      }
    },
  },
)
