import { setImmediate as turn } from 'node:timers/promises'
import { bankConformance, historyConformance, layerConformance } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { describe, it } from 'vitest'
import type { Stored, Touch } from '../src/bank.ts'
import { coalesce } from '../src/layers/coalesce.ts'
import { DatabankStore } from '../src/store.ts'

/** A bank that answers some turns of the event loop later, so that operations meet requests that are under way. */
class DistantBank extends MemoryBank {
  override async read(id: string): Promise<Stored | null> {
    await turn()
    return super.read(id)
  }

  override async readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    await turn()
    await turn()
    return super.readMany(ids)
  }

  override async touch(id: string, expires: number | null, now: number): Promise<void> {
    await turn()
    return super.touch(id, expires, now)
  }

  override async touchMany(touches: readonly Touch[], now: number): Promise<void> {
    await turn()
    await turn()
    return super.touchMany(touches, now)
  }
}

describe('coalesce', () => {
  layerConformance({ describe, it }, { layer: coalesce })
})

for (const [where, AnyBank] of Object.entries({ 'in memory': MemoryBank, 'some turns away': DistantBank })) {
  describe(`coalesce over a bank ${where}`, () => {
    bankConformance(
      { describe, it },
      {
        open: async () => {
          const bank = new AnyBank()
          return { bank: coalesce(bank), close: () => bank.close() }
        },
      },
    )

    historyConformance(
      { describe, it },
      {
        runs: 300,
        open: async (layer) => {
          const bank = new AnyBank()
          const open = async () => new DatabankStore({ bank: coalesce(layer(bank)), cleanupInterval: null })
          return { store: await open(), another: open, close: () => bank.close() }
        },
      },
    )
  })
}
