import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { DiskBank } from '../src/bank.ts'
import { HOUR, newDirectory } from './helpers.ts'

const many = 12_000
// In memory where there is such a place: it is our slices that are measured, not the disk.
const place = fs.existsSync('/dev/shm') ? '/dev/shm' : undefined

describe(`${many} sessions in files`, { timeout: 300_000 }, () => {
  it('are written at once, counted, scanned, freed and cleared without stopping the loop', async () => {
    const folder = newDirectory(place)
    const bank = new DiskBank({ path: folder })
    const now = Date.now()
    const ids = Array.from({ length: many }, (_, at) => `session-${at}`)
    const third = Math.floor(many / 3)
    const saveThird = async (attempt: number) => {
      // Every third dies in a minute more than the one before.
      const entry = { payload: '{"cookie":{}}', expires: now + (attempt + 1) * 60_000 }
      for (let at = attempt * third; at < (attempt + 1) * third; at += 500) {
        const some = ids.slice(at, Math.min(at + 500, (attempt + 1) * third))
        await Promise.all(some.map((id) => bank.save(id, entry)))
      }
    }
    const stops = {
      save: await longestDelay(3, saveThird),
      read: await longestDelay(3, async () => {
        const found = await Promise.all(ids.slice(0, 2_000).map((id) => bank.read(id)))
        assert.ok(found.every((entry) => entry !== null))
      }),
      readMany: await longestDelay(3, async () => void (await bank.readMany(ids))),
      touchMany: await longestDelay(2, async () =>
        bank.touchMany(
          ids.slice(2 * third).map((id) => [id, now + HOUR]),
          now,
        ),
      ),
      count: await longestDelay(3, async () => assert.equal(await bank.count(now + 60_000), 2 * third)),
      scan: await longestDelay(3, async () => {
        let seen = 0
        for await (const _ of bank.scan()) seen++
        assert.equal(seen, 3 * third)
      }),
      purge: await longestDelay(2, async (attempt) => assert.equal(await bank.purge(now + (attempt + 1) * 60_000), third)),
      clear: await longestDelay(1, () => bank.clear()),
    }
    assert.equal(await bank.count(0), 0)
    await bank.close()
    fs.rmSync(folder, { recursive: true })
    for (const [what, stop] of Object.entries(stops)) assert.ok(stop < 20, `${what} stopped the loop for ${stop} ms`)
  })
})
