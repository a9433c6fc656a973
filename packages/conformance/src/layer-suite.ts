import assert from 'node:assert/strict'
import { BANK_METHODS, type Bank, type Layer } from 'connect-databank/backend'
import { type BankSuiteOptions, bankConformance } from './bank-suite.ts'
import { ReferenceBank, type Table } from './reference-bank.ts'
import type { Runner } from './suite.ts'

/** Options of the suite for layers. */
export interface LayerSuiteOptions extends Omit<BankSuiteOptions, 'open'> {
  /** The layer. It is called once for each bank that a check opens. */
  readonly layer: Layer
}

/**
 * Registers the suite of banks for a layer over reference banks: one with versions of its own, and one whose payload is the version. A
 * layer must also keep every capability of the bank below it.
 *
 * @example
 * layerConformance({ describe, it }, { layer: encryption({ keys: [randomBytes(32)] }) })
 */
export function layerConformance(runner: Runner, { layer, ...options }: LayerSuiteOptions): void {
  const { describe, it } = runner
  for (const [title, versions] of [
    ['over a bank with versions of its own', 'own'],
    ['over a bank whose payload is the version', 'payload'],
  ] as const) {
    describe(title, () => {
      bankConformance(runner, {
        ...options,
        open: async () => {
          const table: Table = new Map()
          const open = (): Bank => layer(new ReferenceBank(table, { versions }))
          return { bank: open(), another: async () => open(), close: async () => {} }
        },
      })
    })
  }
  describe('over any bank', () => {
    it('keeps every capability', async () => {
      const layered = layer(new ReferenceBank())
      assert.deepEqual(
        BANK_METHODS.filter((method) => typeof layered[method] !== 'function'),
        [],
      )
    })
  })
}
