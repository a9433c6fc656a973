import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { longestTurn } from '../../../scripts/longest-turn.js'
import { inTransaction, openForWriting } from '../src/environment.js'
import { encodeRecord, keysOf, timeBytes } from '../src/format.js'
import { operationsOn } from '../src/operations.js'
import { closeTables, newPlace } from './place.ts'

const many = 1_000_000
const payload = JSON.stringify({ cookie: {}, text: 'x'.repeat(180) })
const now = Date.now()
const dead = 1_000

/** Three times a thousand are dead, a minute after each other. */
function deathOf(at: number): number {
  return at < 3 * dead ? now - 240_000 + 60_000 * (1 + Math.floor(at / dead)) : now + 3_600_000 + at
}

/** Straight into the tables, which takes seconds where the bank, asked for each, takes a minute. */
function fill(path: string): Promise<void> {
  const tables = openForWriting({ path, durable: false })
  const { save } = operationsOn(tables, null)
  for (let start = 0; start < many; start += 10_000) {
    inTransaction(tables, () => {
      for (let at = start; at < start + 10_000; at++) {
        const id = `session ${(at * 7_919) % many}`
        save(keysOf(id).base, encodeRecord(id, keysOf(id), payload), timeBytes(deathOf(at)))
      }
    })
  }
  return closeTables(tables)
}

describe(`${many} sessions in LMDB`, { timeout: 300_000 }, () => {
  it('are counted, freed, scanned and cleared without stopping the loop', async () => {
    const place = await newPlace()
    try {
      await fill(place.path)
      const bank = place.bank()
      await bank.open()
      const freeings: number[] = []
      const stops = {
        count: await longestTurn(3, async () => assert.equal(await bank.count(now), many - 3 * dead)),
        purge: await longestTurn(3, async (attempt) => {
          const start = performance.now()
          assert.equal(await bank.purge(now - 240_000 + 60_000 * (attempt + 1)), dead)
          freeings.push(performance.now() - start)
        }),
        scan: await longestTurn(2, async () => {
          let seen = 0
          for await (const _ of bank.scan()) seen++
          assert.equal(seen, many - 3 * dead)
        }),
        clear: await longestTurn(1, () => bank.clear()),
      }
      const start = performance.now()
      for (let at = 0; at < 100; at++) await bank.save(`after ${at}`, { payload, expires: now + 3_600_000 })
      const save = (performance.now() - start) / 100
      console.log(`longest turns (ms): ${JSON.stringify(stops)}; purges of ${dead} (ms): ${freeings.map(Math.round).join(', ')}`)
      console.log(`a save after all were cleared (ms): ${save.toFixed(2)}`)
      for (const [what, stop] of Object.entries(stops)) assert.ok(stop < 20, `${what} stopped the loop for ${stop} ms`)
      assert.ok(save < 30, `a save after all were cleared took ${save} ms`)
    } finally {
      await place.remove()
    }
  })
})
