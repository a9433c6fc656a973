// Which peer a store is compared with.
import { expect, it } from 'vitest'
import { rowsOf as waits } from '../questions/distance.js'
import { cells, compared } from '../questions/operations.js'
import { rowsOf as costs } from '../questions/young.js'
import { about, BARE, BASELINE, OURS, README, TUNED, WITHOUT_TOUCH } from './parts.ts'

/** One round for each rate. */
const rates = (...all: number[]) => all.map((rate) => ({ rate, cpu: 10 }))

const results = new Map([
  [{ about: OURS }, rates(30)],
  [{ about: README }, rates(10)],
  [{ about: TUNED }, rates(20)],
  [{ about: WITHOUT_TOUCH }, rates(60)],
  [{ about: BARE }, rates(120)],
])

it('a store that touches less is not the fastest peer of a mix', () => {
  const { rows, readme, best } = compared('mix', results)
  expect({ readme, best }).toEqual({ readme: README.name, best: TUNED.name })
  expect(rows[0]).toMatchObject({ ...OURS, rate: 30, toReadme: 3, toBest: 1.5, toLimit: 0.25 })
  expect(rows[3]).toMatchObject({ ...WITHOUT_TOUCH, rate: 60, toBest: 3 })
})

it('a store that touches less is a peer like the others where nothing is touched', () => {
  expect(compared('get', results)).toMatchObject({ readme: WITHOUT_TOUCH.name, best: WITHOUT_TOUCH.name })
})

it('ratios compare the rates of the same round', () => {
  const slowMachineLater = new Map([
    [{ about: OURS }, rates(30, 3, 3)],
    [{ about: README }, rates(10, 1, 1)],
  ])
  expect(compared('get', slowMachineLater).rows[0]).toMatchObject({ rate: 3, toReadme: 3 })
})

it('a store that cannot do an operation has no row', () => {
  const some = new Map<{ about: typeof OURS }, ({ rate: number; cpu: number } | null)[]>([
    [{ about: WITHOUT_TOUCH }, [null, null]],
    [{ about: OURS }, rates(1, 1)],
  ])
  const { rows } = compared('touch', some)
  expect(rows.map(({ name }) => name)).toEqual([OURS.name])
})

it('without a peer there is a share of the bare client only', () => {
  const alone = compared(
    'mix',
    new Map([
      [{ about: OURS }, rates(30)],
      [{ about: BARE }, rates(60)],
    ]),
  )
  expect(alone).not.toHaveProperty('best')
  expect(alone.rows[0]).toMatchObject({ toLimit: 0.5, toBest: Number.NaN })
})

it('the wait is compared with that of the fastest peer that touches at each request', () => {
  const round = (wait: number) => ({ wait, requests: 1, seconds: 1, median: 1, p99: 2, rate: 1, cpu: 1 })
  const measured = (store: typeof OURS, wait: number) => ({ about: store, roundTrips: 2, calm: [round(wait)], busy: [] })
  const lazyPeer = about('connect-mongo, touchAfter a minute', { tuned: true, touchesLess: true })
  const rows = waits([measured(OURS, 3), measured(README, 4), measured(TUNED, 2), measured(lazyPeer, 1), measured(BASELINE, 0)])
  expect(rows.map(({ toBest }) => toBest)).toEqual([1.5, 2, 1, 0.5, 0])
})

it('a young process is compared with that of the cheapest peer', () => {
  const rows = costs([
    { about: OURS, runs: [{ first: 100, next: 50, last: 20 }] },
    { about: README, runs: [{ first: 90, next: 90, last: 20 }] },
    { about: TUNED, runs: [{ first: 50, next: 50, last: 30 }] },
  ])
  expect(rows.map(({ young, toCheapest }) => [young, toCheapest])).toEqual([
    [55, 1.1],
    [90, 1.8],
    [50, 1],
  ])
})

it('measures get, set and mix at three sizes, and each operation at 1, 16 and 128', () => {
  const all = cells(false, { stores: [] })
  const sizes = (operation: string) => new Set(all.filter((one) => one.operation === operation).map(({ bytes }) => bytes))
  for (const operation of ['get', 'set', 'mix']) expect(sizes(operation)).toEqual(new Set([2_000, 200, 20_000]))
  for (const operation of ['get', 'set', 'touch', 'mix']) {
    const concurrencies = all.filter((one) => one.operation === operation && one.bytes === 2_000).map((one) => one.concurrency)
    expect(concurrencies.toSorted((one, other) => one - other)).toEqual([1, 16, 128])
  }
  // A process that has just started is slow.
  expect(all[0]).toMatchObject({ operation: 'get', concurrency: 16 })
})
