// What was measured stays, and a run that was stopped continues.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { partName, ResultsStore, rounded } from '../reporting/results-store.js'
import { part } from './parts.ts'

let folder = ''
let results: ResultsStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connect-databank-'))
  results = new ResultsStore(folder)
})
afterEach(() => rm(folder, { recursive: true }))

it('is empty at first', async () => {
  expect(await results.parts()).toEqual([])
  expect(await results.unfinished()).toBeUndefined()
})

it('a new part replaces the one of the same backend and question, and no other', async () => {
  const [redis, memory, young] = [part('operations', 1), part('operations', 2, { backend: 'memory' }), part('young', 3)]
  for (const each of [redis, memory, young]) await results.keep(each)
  const again = { ...redis, answer: 4 }
  expect(await results.keep(again)).toEqual([memory, young, again])
  expect(await new ResultsStore(folder).parts()).toEqual([memory, young, again])
  expect(await readdir(folder)).toEqual(['results.json'])
})

it('a run is unfinished until it is finished', async () => {
  const run = { only: ['redis'], done: [partName('redis', 'operations')] }
  await results.keepUnfinished(run)
  expect(await new ResultsStore(folder).unfinished()).toEqual(run)
  await results.finish()
  expect(await results.unfinished()).toBeUndefined()
})

it('rounds to five digits, and has no number for what is none', () => {
  expect(rounded({ rate: 12_345.678, ratio: 0.123_456_7, none: Number.NaN })).toEqual({
    rate: 12_346,
    ratio: 0.12346,
    none: null,
  })
})
