import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Entry } from 'connect-databank/backend'
import { describe, it } from 'vitest'
import { bankChecks, bankConformance, gradeBank, layerConformance, ReferenceBank, type Table } from '../src/index.ts'
import { bankFaults } from './fixtures/bank-faults/index.ts'

describe('a layer that changes nothing', () => {
  layerConformance({ describe, it }, { layer: (bank) => bank })
})

it('checks that pass a `now` of their own are skipped for a database that expires entries by its own clock', async () => {
  const open = async () => ({ bank: new ReferenceBank(), close: async () => {} })
  const only = (name: string) => name.endsWith('goes by the time that it is given') && !name.startsWith('purge')
  const grades = await gradeBank({ open, only, expiresByOwnClock: true })
  assert.deepEqual(
    grades.map(({ outcome, reason }) => `${outcome}: ${reason}`),
    Array(3).fill('skipped: the database expires entries by its own clock'),
  )
})

/** A bank on a table of another program, which has no place for owners. */
class Ownerless extends ReferenceBank {
  // biome-ignore lint/suspicious/noExplicitAny: whatever it is, it is not there
  override idsOf = undefined as any
  protected override put(id: string, { payload, expires }: Entry): string | undefined {
    return super.put(id, { payload, expires })
  }
}

describe('a bank that stores no owners', () => {
  const open = async () => {
    const table: Table = new Map()
    return { bank: new Ownerless(table), another: async () => new Ownerless(table), close: async () => {} }
  }
  bankConformance({ describe, it }, { open, owners: false })

  it('fails the checks of owners if it does not say so, and skips them alone if it does', async () => {
    const [silent, honest] = [await gradeBank({ open }), await gradeBank({ open, owners: false })]
    const needsOwners = bankChecks.filter(({ needs }) => needs.includes('owners')).map(({ name }) => name)
    for (const name of needsOwners) assert.equal(silent.find((grade) => grade.name === name)?.outcome, 'failed', name)
    const skipped = honest.filter(({ outcome }) => outcome === 'skipped').map(({ name, reason }) => [name, reason])
    const byIndex = bankChecks.filter(({ needs }) => needs.includes('idsOf')).map(({ name }) => [name, 'there is no idsOf'])
    assert.deepEqual(skipped, [...needsOwners.map((name) => [name, 'the bank stores no owners']), ...byIndex])
  })
})

describe('each fault of a bank is found', () => {
  for (const { fault, make, breaks } of bankFaults) {
    it(`a bank that ${fault}`, async () => {
      const open = async () => {
        const table: Table = new Map()
        return { bank: make(table), another: async () => make(table), close: async () => {} }
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
