import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { DiskBank, type DiskBankOptions } from '../src/index.ts'
import { newDirectory } from './helpers.ts'

async function openBank(options: Partial<DiskBankOptions> = {}) {
  const directory = newDirectory()
  const open = () => new DiskBank({ path: join(directory, 'sessions'), ...options })
  const banks = [open()]
  return {
    bank: banks[0]!,
    another: async () => {
      banks.push(open())
      return banks.at(-1)!
    },
    close: async () => {
      await Promise.all(banks.map((bank) => bank.close()))
      await rm(directory, { recursive: true })
    },
  }
}

bankConformance({ describe, it }, { open: () => openBank() })

describe('durable', () => {
  // What writes: files have the same names.
  const only = (check: string) => /save|swap|touch|delete|purge|clear|parallel/.test(check) && !/any id/.test(check)
  bankConformance({ describe, it }, { open: () => openBank({ durable: true }), only })
})
