import { setImmediate as turn } from 'node:timers/promises'
import { bankConformance, historyConformance } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { describe, it } from 'vitest'
import type { Entry } from '../src/bank.ts'
import { coalesce } from '../src/layers/coalesce.ts'
import { DatabankStore } from '../src/store.ts'

/** A bank that is some turns of the loop away, so that operations meet requests that are under way. */
class FarBank extends MemoryBank {
  override async read(id: string): Promise<Entry | null> {
    await turn()
    return super.read(id)
  }

  override async readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    await turn()
    await turn()
    return super.readMany(ids)
  }

  override async touch(id: string, expires: number | null): Promise<void> {
    await turn()
    return super.touch(id, expires)
  }

  override async touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    await turn()
    await turn()
    return super.touchMany(moves)
  }
}

for (const [where, Place] of Object.entries({ 'at hand': MemoryBank, 'far away': FarBank })) {
  describe(`coalesce over a bank ${where}`, () => {
    bankConformance(
      { describe, it },
      {
        open: async () => {
          const place = new Place()
          return { bank: coalesce(place), close: () => place.close() }
        },
      },
    )

    historyConformance(
      { describe, it },
      {
        runs: 300,
        open: async (layer) => {
          const place = new Place()
          const open = async () => new DatabankStore({ bank: coalesce(layer(place)), cleanupInterval: null })
          return { store: await open(), another: open, close: () => place.close() }
        },
      },
    )
  })
}
