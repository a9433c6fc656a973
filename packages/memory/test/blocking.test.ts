import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'vitest'
import { SHARDS, shardIndexOf } from '../src/shard.ts'

const IDS = 25_600

/** One map of a million ids blocks the event loop each time it grows, and when its sessions are listed. load.timed.ts measures it. */
describe('the sessions of a memory bank', () => {
  it.each<[string, (index: number) => string]>([
    ['random', () => randomBytes(24).toString('base64url')],
    ['different at their end', (index) => `tenant-of-ours:${index}`],
    ['different at their beginning', (index) => `${index}:tenant-of-ours`],
    ['different in their middle', (index) => `session-of-ours:${String(index).padStart(9, '0')}:and-of-nobody-else`],
  ])('are spread over all shards where the ids are %s', (_, idOf) => {
    const sizes = new Array<number>(SHARDS).fill(0)
    for (let index = 0; index < IDS; index++) sizes[shardIndexOf(idOf(index))]!++
    const even = IDS / SHARDS
    assert.ok(Math.max(...sizes) < 2 * even, `the largest shard has ${Math.max(...sizes)}, ${even} would be even`)
    assert.ok(Math.min(...sizes) > even / 2, `the smallest shard has ${Math.min(...sizes)}, ${even} would be even`)
  })
})
