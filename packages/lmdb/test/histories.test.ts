import { historyConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { newPlace } from './place.ts'

historyConformance(
  { describe, it },
  {
    rounding: 0,
    open: async (layer) => {
      const place = await newPlace()
      const open = async () => new DatabankStore({ bank: layer(place.bank()) })
      return { store: await open(), another: open, close: () => place.remove() }
    },
  },
)
