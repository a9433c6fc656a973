import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Bank, coalesce, extend, type Layer, type Stored } from 'connect-databank/backend'
import { describe, it } from 'vitest'
import { encrypt } from '../../core/src/layers/encryption.ts'
import { type LayerSuiteOptions, layerConformance } from '../src/index.ts'

const keys = [randomBytes(32)]

describe('coalesce', () => layerConformance({ describe, it }, { layer: coalesce }))
describe('encryption', () => layerConformance({ describe, it }, { layer: (bank) => encrypt(bank, { keys }) }))

/** The names of the tests of the suite that fail for a layer. */
async function failuresOf(layer: Layer, only?: LayerSuiteOptions['only']): Promise<string[]> {
  const tests: [name: string, body: () => Promise<void>][] = []
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => tests.push([name, body]),
  }
  layerConformance(runner, { layer, limit: 1_000, ...(only && { only }) })
  const failed = await Promise.all(
    tests.map(async ([name, body]) => {
      try {
        await body()
        return undefined
      } catch {
        return name
      }
    }),
  )
  return failed.filter((name) => name !== undefined)
}

function withoutVersion(stored: Stored | null): Stored | null {
  if (stored === null) return null
  const { version: _, ...rest } = stored
  return rest
}

describe('the suite for layers finds a layer that', () => {
  it('loses the version', async () => {
    const layer: Layer = (bank) => extend(bank, { read: async (id) => withoutVersion(await bank.read(id)) })
    const name = 'swap stores the entry if the expected version is stored'
    // Over a bank whose payload is the version nothing is lost.
    assert.deepEqual(await failuresOf(layer, (check) => check === name), [name])
  })

  it('loses the owner', async () => {
    const layer: Layer = (bank) => extend(bank, { save: (id, { payload, expires }) => bank.save(id, { payload, expires }) })
    const name = 'read returns the owner that was saved'
    assert.deepEqual(await failuresOf(layer, (check) => check === name), [name, name])
  })

  it('compares what it encrypts anew', async () => {
    const layer: Layer = (bank) => {
      const encrypted = encrypt(bank, { keys })
      return extend(encrypted, { read: async (id) => withoutVersion(await encrypted.read(id)) })
    }
    const name = 'swap succeeds after a touch, with the version of before'
    assert.deepEqual(await failuresOf(layer, (check) => check === name), [name, name])
  })

  it('loses a capability', async () => {
    const layer = ({ read, save, delete: remove, ...rest }: Bank): Bank => ({
      ...extend({ read, save, delete: remove }, {}),
      ...rest,
    })
    assert.deepEqual(await failuresOf(layer, () => false), ['keeps every capability'])
  })
})
