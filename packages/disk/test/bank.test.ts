import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { DiskBank, type DiskBankOptions, DiskStore } from '../src/index.ts'

async function openBank(options: Partial<DiskBankOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'disk-bank-'))
  const open = () => new DiskBank({ path: join(folder, 'sessions'), ...options })
  const banks = [open()]
  return {
    bank: banks[0]!,
    another: async () => {
      banks.push(open())
      return banks.at(-1)!
    },
    close: async () => {
      await Promise.all(banks.map((bank) => bank.close()))
      await rm(folder, { recursive: true })
    },
  }
}

bankConformance({ describe, it }, { open: () => openBank() })

describe('durable', () => {
  bankConformance({ describe, it }, { open: () => openBank({ durable: true }) })
})

storeConformance(
  { describe, it },
  {
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'disk-store-'))
      const stores = [new DiskStore({ path: folder })]
      return {
        store: stores[0]!,
        another: async () => {
          stores.push(new DiskStore({ path: folder }))
          return stores.at(-1)!
        },
        close: async () => {
          await Promise.all(stores.map((store) => store.close()))
          await rm(folder, { recursive: true })
        },
      }
    },
  },
)
