// The suites of the bank and of the store, for node:test: on versions of Node.js that have node:sqlite.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { bankConformance, idConformance, recordConformance, storeConformance } from '@connect-databank/conformance'
import { SqliteBank, SqliteStore } from '../../src/index.ts'

function opener<Opened extends { close(): Promise<void> }>(make: (path: string) => Opened) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'connect-databank-'))
    const opened: Opened[] = []
    const another = async (): Promise<Opened> => {
      const one = make(join(folder, 'sessions.db'))
      opened.push(one)
      return one
    }
    const close = async (): Promise<void> => {
      await Promise.all(opened.map((each) => each.close()))
      rmSync(folder, { recursive: true })
    }
    return { first: await another(), another, close }
  }
}

const openBank = opener((path) => new SqliteBank({ path, engine: 'node:sqlite' }))
const openStore = opener((path) => new SqliteStore({ path, engine: 'node:sqlite' }))
const openPeers = opener((path) => new SqliteBank({ path, engine: 'node:sqlite', layout: 'better-sqlite3-session-store' }))
const runner = { describe, it: (name: string, body: never) => it(name, body) } as never

bankConformance(runner, {
  open: async () => {
    const { first: bank, ...rest } = await openBank()
    return { bank, ...rest }
  },
})
storeConformance(runner, {
  rounding: 0,
  open: async () => {
    const { first: store, ...rest } = await openStore()
    return { store, ...rest }
  },
})
const openForInput = async () => {
  const { first: bank, close } = await openBank()
  return { bank, close }
}
idConformance(runner, { open: openForInput, count: 1_000 })
recordConformance(runner, { open: openForInput, oneIn: 10 })

it('the table of another store is read and written', async () => {
  const { first: bank, close } = await openPeers()
  for (const payload of ['{"cookie":{},"text":"é😀"}', '12', '"text"', '']) {
    await bank.save('a', { payload, expires: 1.9e12 })
    assert.deepEqual(await bank.read('a'), { payload, expires: 1.9e12 })
    assert.equal(await bank.swap('a', payload, { payload: '{}', expires: 2e12 }, Date.now()), '{}')
  }
  assert.equal(await bank.count(Date.now()), 1)
  assert.equal(await bank.purge(2e12), 1)
  await close()
})
