// The contract of a bank, on a file and in memory.
import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { SqliteBank } from '../src/index.ts'
import { opened } from './support.ts'

describe('on a file', () => {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const { another, close } = await opened()
        return { bank: await another(), another, close }
      },
    },
  )
})

describe('in memory', () => {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const bank = new SqliteBank({ path: ':memory:' })
        return { bank, close: () => bank.close() }
      },
    },
  )
})
