import { historyConformance, ownerInHistories } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'

describe.each([
  ['with owners', 1_000],
  ['without owners', 1_000],
])('%s', (name, runs) => {
  const owners = name === 'with owners'
  historyConformance(
    { describe, it },
    {
      owners,
      rounding: 0,
      runs,
      open: async (layer) => {
        const bank = layer(new MemoryBank())
        const open = () => new DatabankStore({ bank, ...(owners && { owner: ownerInHistories }) })
        const store = open()
        return { store, another: async () => open(), close: () => store.close() }
      },
    },
  )
})
