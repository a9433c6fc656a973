import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { bankChecks, bankConformance, gradeBank } from '../src/index.ts'
import { bankFaults } from './fixtures/bank-faults/index.ts'
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

describe('each fault of a bank is found', () => {
  for (const { fault, make, breaks } of bankFaults) {
    it(`a bank that ${fault}`, async () => {
      const open = async () => {
        const place: Place = new Map()
        return { bank: make(place), another: async () => make(place), close: async () => {} }
      }
      const grades = await gradeBank({ open, limit: 1_000, only: (name) => breaks.includes(name) })
      assert.deepEqual(grades.map(({ name }) => name).sort(), [...breaks].sort())
      for (const { name, outcome } of grades) assert.equal(outcome, 'failed', `${name}: ${outcome}`)
    })
  }
})

describe('each check of a bank', () => {
  it('fails for at least one fault', () => {
    const proven = new Set(bankFaults.flatMap(({ breaks }) => breaks))
    assert.deepEqual(
      bankChecks.map(({ name }) => name).filter((name) => !proven.has(name)),
      [],
    )
  })

  it('has a name of its own', () => {
    assert.equal(new Set(bankChecks.map(({ name }) => name)).size, bankChecks.length)
  })

  it('quotes the contract as it stands', () => {
    const source = readFileSync(new URL('../../core/src/bank.ts', import.meta.url), 'utf8')
    const contract = source.replace(/\s+\*?\s*/g, ' ')
    for (const { why } of bankChecks) {
      for (const [, quotation] of why.startsWith('contract') ? why.matchAll(/"(.+?)"/g) : []) {
        assert.ok(contract.includes(quotation!), `the contract does not say ${quotation}`)
      }
    }
  })
})
