import { historyConformance } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'

historyConformance(
  { describe, it },
  {
    rounding: 0,
    runs: 10_000,
    open: async (layer) => {
      const bank = layer(new MemoryBank())
      const open = () => new DatabankStore({ bank })
      const store = open()
      return { store, another: async () => open(), close: () => store.close() }
    },
  },
)
