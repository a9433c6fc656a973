// What is written about the results.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markdown } from '../reporting/report.js'
import { summary } from '../reporting/summary.js'
import { withTables, writeResults } from '../reporting/write.js'
import { about, BARE, BASELINE, cell, MOCK, OURS, part, README, row, TUNED, WITHOUT_TOUCH } from './parts.ts'

const LAZY = about('@connect-databank/redis, touchAfter a minute', { ours: true, touchesLess: true })
const operations = part('operations', { answers: [cell({ rows: [row(OURS), row(LAZY), row(README), row(BARE)] })] })

/** The lines of the tables that begin with a store's name. */
const linesOf = (text: string, name: string) => text.split('\n').filter((line) => line.startsWith(`| ${name} |`))

describe('RESULTS.md', () => {
  it('names the server of each table, and whether it is the real one', () => {
    const text = markdown([operations, part('operations', { answers: [cell()] }, { backend: 'couchbase', server: MOCK })], [])
    expect(text).toContain('### Operations: Redis\n\nServer: Redis 7.0.15, the real server.')
    expect(text).toContain('### Operations: Couchbase\n\nServer: CouchbaseMock 1.5.27, a stand-in.')
  })

  it('marks a store that touches less, in a mix only', () => {
    const touching = [row(OURS), row(WITHOUT_TOUCH)]
    const text = markdown(
      [part('operations', { answers: [cell({ rows: touching }), cell({ operation: 'get', rows: touching })] })],
      [],
    )
    expect(linesOf(text, 'databank-redis †')).toHaveLength(1)
    expect(linesOf(text, 'databank-redis')).toHaveLength(1)
  })

  it('shows both ratios where a peer has two settings, and the share of the bare client', () => {
    const [line] = linesOf(markdown([operations], []), '**@connect-databank/redis**')
    expect(line).toBe('| **@connect-databank/redis** | 20.0k ±5 % · 40.0 µs · 1.50 / 1.02 × · 0.40 |')
  })

  it('says when, where and of which commit something was measured', () => {
    const text = markdown([operations], [])
    expect(text).toContain('| Redis | 2026-11-28 | abc1234 | 0.1 | 2 | Node v20.20.2, 2 × CPU | Redis 7.0.15, the real server |')
    expect(text).toContain('connect-redis 9.0.0')
    expect(text).not.toContain('quick')
    expect(markdown([{ ...operations, quick: true }], [])).toContain('a quick run')
  })

  it('says what was left out, and why', () => {
    const text = markdown([{ ...operations, missing: ['connect-redis: no\nanswer'] }], ['Couchbase: no Java'])
    expect(text).toContain('- Couchbase: no Java\n- Redis, operations: connect-redis: no answer')
  })

  it('leaves out parts of backends and questions that there are no more', () => {
    const text = markdown([operations, part('operations', {}, { backend: 'lmdb' }), part('arrivals', {})], [])
    expect(text).not.toContain('undefined')
  })

  it('has a table for each question', () => {
    const distance = {
      roundTrips: 2,
      wait: 2.5,
      median: 3,
      p99: 5,
      toBest: 0.98,
      busyRate: 1,
      busyMedian: 2,
      busy99: 3,
      busyCpu: 4,
    }
    const request = { rate: 900, cpu: 300, spread: 0.01, toNothing: 1.2, openCpu: 1, openMedian: 2, open99: 3 }
    const text = markdown(
      [
        part('distance', { roundTrip: 1.1, rows: [{ ...OURS, ...distance }] }),
        part('young', { rows: [{ ...OURS, first: 100, next: 50, last: 20, young: 55, toCheapest: null }] }),
        part('start-up', { rows: [{ name: 'a', ours: false, load: 5, answer: 50, memory: 60, packages: 7, megabytes: 7.25 }] }),
        part('requests', { rows: [{ ...OURS, ...request }] }),
        part('memory', { rows: [{ ...OURS, bytes: 2_500.4 }] }),
        part('administration', {
          rows: [{ ...README, count: 1_000, done: { length: { ms: 3, block: 1 }, all: { failed: 'no' } } }],
        }),
      ],
      [],
    )
    expect(text).toContain('An echo from there took 1.10 ms.')
    expect(text).toContain('| **@connect-databank/redis** | 2.00 | 2.50 | 0.98 × | 3.00 | 5.00 | 1.00 | 2.00 | 3.00 | 4.00 |')
    expect(text).toContain('| **@connect-databank/redis** | 100 | 50.0 | 20.0 | 55.0 | – |')
    expect(text).toContain('| a | 5.00 | 50.0 | 60 | 7 | 7.3 |')
    expect(text).toContain('| **@connect-databank/redis** | 900 | 300 ±1 % | 20 % | 1.00 | 2.00 | 3.00 |')
    expect(text).toContain('| **@connect-databank/redis** | 2500 |')
    expect(text).toContain('| connect-redis on redis 6 | 1000 | 3.00 (1.00) | fails: no | – | – | – |')
  })
})

describe('the short tables', () => {
  it('have a row for each of our stores that touches at each request, with its server and its peers', () => {
    expect(summary([operations])).not.toContain(LAZY.name)
    expect(linesOf(summary([operations]), OURS.name)).toEqual([
      '| @connect-databank/redis | Redis 7.0.15, the real server | connect-redis on redis 6 / connect-redis on redis 5 | – | – | 1.50 / 1.02 × | – | – | – | – |',
    ])
  })

  it('begin with what is faster and what is not, by the mix of one, 16 and 128 at a time', () => {
    const of = (backend: string, ratios: readonly number[], more = {}) => {
      const answers = [1, 16, 128].map((concurrency, index) =>
        cell({ concurrency, rows: [row(LAZY, { toBest: 9 }), row(README), row(OURS, { toBest: ratios[index] ?? 0 })] }),
      )
      return part('operations', { answers }, { backend, ...more })
    }
    const parts = [
      of('redis', [0.7, 0.8, 0.6]),
      of('mysql', [0.9, 1.2, 3]),
      of('sqlite', [2, 3, 4], { server: undefined }),
      of('mongodb', [0.96, 2, 5], { server: MOCK }),
      of('postgres', [0.94, 0.96, 1.04]),
      part('operations', { answers: [cell()] }, { backend: 'disk' }),
    ]
    expect(
      summary(parts)
        .split('\n')
        .filter((line) => line.startsWith('* ')),
    ).toEqual([
      '* **Faster**: SQLite 2.00, 3.00, 4.00; MongoDB (a stand-in) 0.96, 2.00, 5.00',
      '* **Faster or slower**: MySQL and MariaDB 0.90, 1.20, 3.00',
      '* **Slower**: PostgreSQL 0.94, 0.96, 1.04; Redis 0.70, 0.80, 0.60',
    ])
  })

  it('compare whole requests with the fastest peer, which is no baseline', () => {
    const asked = (store: typeof OURS, rate: number, openCpu: number) => ({ ...store, rate, openCpu })
    const rows = [
      asked(OURS, 1_200, 90),
      asked(README, 800, 120),
      asked(TUNED, 1_000, 100),
      asked(BARE, 5_000, 10),
      asked(BASELINE, 6_000, 9),
      asked(WITHOUT_TOUCH, 7_000, 8),
    ]
    expect(linesOf(summary([part('requests', { rows })]), OURS.name)).toEqual([
      '| @connect-databank/redis | connect-redis on redis 5 | 1.2k | 1.20 × | 90.0 µs | 0.90 × |',
    ])
  })

  it('take the figures of all sizes and of one, 16 and 128 at a time', () => {
    const answers = [
      cell({ operation: 'get', rows: [row(OURS, { toReadme: 1.1, toBest: 1.01 })] }),
      cell({ operation: 'set', rows: [row(OURS, { toReadme: 1.2, toBest: 1.02 })] }),
      cell({ rows: [row(OURS, { toReadme: 1.3, toBest: 1.03 })] }),
      cell({ concurrency: 1, rows: [row(OURS, { toReadme: 1.4, toBest: 1.04 })] }),
      cell({ concurrency: 128, rows: [row(OURS, { toReadme: 1.5, toBest: 1.05 })] }),
      cell({ bytes: 200, rows: [row(OURS, { toReadme: 1.6, toBest: 1.06 })] }),
      cell({ bytes: 20_000, rows: [row(OURS, { toReadme: 1.7, toBest: 1.07 })] }),
    ]
    const figures = [1, 2, 3, 4, 5, 6, 7].map((digit) => `1.${digit}0 / 1.0${digit} ×`).join(' | ')
    expect(linesOf(summary([part('operations', { answers })]), OURS.name)[0]).toContain(`| ${figures} |`)
  })

  it('show one figure where the best peer is one as its README says', () => {
    const same = cell({ best: README.name, rows: [row(OURS, { toReadme: 1.5, toBest: 1.5 })] })
    expect(linesOf(summary([part('operations', { answers: [same] })]), OURS.name)[0]).toContain(
      '| connect-redis on redis 6 | – | – | 1.50 × |',
    )
  })

  it('show the share of the bare client where there is no peer', () => {
    const { readme, best, ...alone } = cell({ rows: [row(OURS, { toLimit: 0.44 })] })
    const [line] = linesOf(summary([part('operations', { answers: [alone] })]), OURS.name)
    expect(line).toContain('| none: share of the bare client | – | – | 0.44 |')
    expect([readme, best]).toEqual([README.name, TUNED.name])
  })

  it('are empty if nothing was measured', () => {
    expect(summary([])).toBe('')
  })
})

describe('the files', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'connect-databank-'))
    await mkdir(join(folder, 'bench/results/charts'), { recursive: true })
    await writeFile(join(folder, 'bench/results/charts/old.svg'), '')
    await writeFile(join(folder, 'README.md'), 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('are RESULTS.md with its charts, and the tables of the README', async () => {
    const at128 = cell({ concurrency: 128, rows: [row(OURS), row(README)] })
    const young = part('young', { rows: [{ ...OURS, first: 100, next: 50, last: 20, young: 55, toCheapest: null }] })
    await writeResults([part('operations', { answers: [cell(), at128] }), young], [], folder)
    const results = await readFile(join(folder, 'bench/results/RESULTS.md'), 'utf8')
    const charts = await readdir(join(folder, 'bench/results/charts'))
    expect(charts).toEqual(['operations-redis.svg'])
    expect(results).toContain('(charts/operations-redis.svg)')
    const readme = await readFile(join(folder, 'README.md'), 'utf8')
    expect(readme).toMatch(/^before\n<!-- bench -->\n\nMeasured on 2026-11-28 .*\n<!-- \/bench -->\nafter\n$/s)
    expect(readme).toContain('| @connect-databank/redis | Redis 7.0.15, the real server |')
    expect(readme).not.toContain('old')
    // A reader of the README has half a minute.
    expect(results).toContain('CPU of a request in a young process')
    expect(readme).not.toContain('young')
  })

  it('keep the README as it is if there is nothing for its tables', async () => {
    await writeResults([part('memory', { rows: [{ ...OURS, bytes: 1 }] })], [], folder)
    expect(await readFile(join(folder, 'bench/results/RESULTS.md'), 'utf8')).not.toContain('In short')
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('old')
  })

  it('keep a README without the markers as it is', () => {
    expect(withTables('no markers', 'tables')).toBe('no markers')
    expect(withTables('<!-- /bench --> <!-- bench -->', 'tables')).toBe('<!-- /bench --> <!-- bench -->')
  })
})
