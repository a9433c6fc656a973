import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inTransaction, openForWriting, type Tables } from '../src/environment.js'
import { encodeRecord, keysOf, timeBytes } from '../src/format.js'
import { operationsOn } from '../src/operations.js'
import type { Purged, Survey } from '../src/protocol.ts'
import { closeTables, newPlace, type Place } from './place.ts'

/** How many sessions there are: 1000000 gives the figures that the README shows. */
const sessions = Number(process.env['LMDB_SESSIONS'] ?? 20_000)
const dead = 1_000
const now = 1_000_000

describe(`of ${sessions} sessions, ${dead} of them dead`, () => {
  let place: Place
  let tables: Tables
  let work: Record<string, number>
  let operations: ReturnType<typeof operationsOn>

  beforeEach(async () => {
    place = await newPlace()
    tables = openForWriting({ path: place.path, durable: false })
    work = {}
    operations = operationsOn(counted(tables, work), null, sessions + 2)
    const { save } = operationsOn(tables, null)
    const payload = 'x'.repeat(200)
    for (let start = 0; start < sessions; start += 10_000) {
      inTransaction(tables, () => {
        for (let at = start; at < Math.min(start + 10_000, sessions); at++) {
          save(...saved(`session ${(at * 7_919) % sessions}`, payload, at < dead ? now - at : now + 1 + at))
        }
      })
    }
  }, 600_000)
  afterEach(async () => {
    await closeTables(tables)
    await place.remove()
  })

  const transact = <T>(what: () => unknown) => inTransaction(tables, what) as T

  it('purge works in proportion to the dead, and frees exactly these', () => {
    const start = performance.now()
    const first = transact<Purged>(() => operations.purge(timeBytes(now)))
    const milliseconds = performance.now() - start
    expect(first).toEqual({ freed: dead, isDone: true })
    expect(work).toEqual({
      'deaths listed': dead,
      'sessions read': dead,
      'deaths removed': dead,
      'sessions removed': 2 * dead,
    })
    expect(transact(() => operations.purge(timeBytes(now)))).toEqual({ freed: 0, isDone: true })
    if (process.env['LMDB_SESSIONS'] !== undefined) console.log(`purge: ${milliseconds.toFixed(1)} ms`)
  })

  it('purge frees 250 in a transaction, so that others get their turn', () => {
    const { purge } = operationsOn(tables, null)
    const purges = [1, 2, 3, 4, 5].map(() => transact(() => purge(timeBytes(now))))
    const full = { freed: 250, isDone: false }
    expect(purges).toEqual([full, full, full, full, { freed: 0, isDone: true }])
  })

  it('count works in proportion to the dead', () => {
    const start = performance.now()
    const survey = transact<Survey>(() => operations.survey(timeBytes(now), null))
    const milliseconds = performance.now() - start
    expect(survey).toEqual({ dead, entries: sessions, last: null })
    expect(work).toEqual({ 'deaths listed': dead, 'sessions read': dead })
    if (process.env['LMDB_SESSIONS'] !== undefined) console.log(`count: ${milliseconds.toFixed(1)} ms`)
  })

  it('touch writes one entry, and that is not the payload', () => {
    transact(() => operations.touch(...touched('session 1', Date.now() + 1e9)))
    // It was long dead by the clock: nothing is revived.
    expect(work).toEqual({ 'sessions read': 1 })
    transact(() => operations.save(...saved('alive', 'x'.repeat(1e6), Date.now() + 1e9)))
    for (const key of Object.keys(work)) delete work[key]
    transact(() => operations.touch(...touched('alive', Date.now() + 2e9)))
    expect(work).toEqual({ 'sessions read': 1, 'sessions written': 1 })
  })

  it('what was put off is looked at once when its first time has come, and no more', () => {
    const later = Date.now() + 1e9
    transact(() => operations.save(...saved('put off', 'x', later)))
    transact(() => operations.touch(...touched('put off', later + 1e9)))
    for (const key of Object.keys(work)) delete work[key]
    expect(transact(() => operations.survey(timeBytes(later), null))).toMatchObject({ dead: sessions })
    expect(work['sessions written']).toBe(1)
    expect(transact(() => operations.survey(timeBytes(later), null))).toMatchObject({ dead: sessions })
    expect(work['sessions written']).toBe(1)
    expect(transact(() => operations.survey(timeBytes(later + 1e9), null))).toMatchObject({ dead: sessions + 1 })
  })
})

/** What `save` and `touch` are given. */
const saved = (id: string, payload: string, expires: number) =>
  [keysOf(id).base, encodeRecord(id, keysOf(id), payload), timeBytes(expires)] as const
const touched = (id: string, expires: number) => [keysOf(id).base, timeBytes(expires)] as const

/** The tables, that tell of each entry they look at or change. */
function counted(tables: Tables, work: Record<string, number>): Tables {
  const add = (what: string, count = 1) => {
    work[what] = (work[what] ?? 0) + count
  }
  const watch = (name: 'sessions' | 'deaths') => {
    const table = tables[name]
    return new Proxy(table, {
      get(_, property) {
        const member = table[property as 'get'] as unknown
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const answer = member.apply(table, args)
          if (property === 'get') add(`${name} read`)
          if (property === 'put') add(`${name} written`)
          if (property === 'remove') add(`${name} removed`)
          if (property !== 'getKeys' && property !== 'getRange') return answer
          const listed = [...answer]
          add(`${name} listed`, listed.length)
          return listed
        }
      },
    })
  }
  return { ...tables, sessions: watch('sessions'), deaths: watch('deaths') }
}
