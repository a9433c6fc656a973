import { describe, it } from 'vitest'
import { bankConformance } from '../src/index.ts'
import { type Place, ReferenceBank } from './fixtures/reference-bank.ts'

bankConformance(
  { describe, it },
  {
    open: async () => {
      const place: Place = new Map()
      return { bank: new ReferenceBank(place), another: async () => new ReferenceBank(place), close: async () => {} }
    },
  },
)
