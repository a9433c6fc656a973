// How long does a request wait for its session when the server is a millisecond away?

import { load } from '../measuring/http-load.js'
import { median, ratio } from '../measuring/statistics.js'
import { untilWarm } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, workersOf } from '../measuring/workers.js'
import { roundTripTime, startDistance } from '../servers/distance.js'
import { asked } from './requests.js'

export const backends = ['postgres', 'redis', 'mongodb']
/** A quick run asks only these. */
export const quickBackends = ['redis']

/** In each direction, in milliseconds. */
const LATENCY = 0.5
const SESSIONS = 1_000
/** Requests a second, when they arrive one by one. */
export const RATE = 400
const COUNTED = 200
const ROUNDS = 5

/**
 * @typedef {import('../measuring/workers.js').Worker} Worker
 * @typedef {import('../measuring/workers.js').About} About
 * @typedef {import('./requests.js').Asked} Asked
 *
 * `roundTrips` of a request; `wait` for the store, `median` and `p99` of a request in ms while requests arrive one by one; `toBest`: times
 * the wait for the peer with the shortest; `busy…`: 32 connections that are always busy.
 * @typedef {{ roundTrips: number, wait: number, median: number, p99: number, toBest: number }} Calm
 * @typedef {{ busyRate: number, busyMedian: number, busy99: number, busyCpu: number }} Busy
 * @typedef {About & Calm & Busy} Row
 * @typedef {{ about: About, roundTrips: number, calm: (Asked & { wait: number })[], busy: Asked[] }} Measured
 */

/**
 * @param {string} name
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(name, { url, quick, say }) {
  const roundTrip = await roundTripTime(LATENCY)
  const near = new URL(url)
  const distance = await startDistance(Number(near.port), LATENCY)
  const wanted = [...(await workersOf(name, 'distance', ({ limit }) => !limit)), ...(await workersOf('baselines', 'distance'))]
  const { started, missing } = await startAll(wanted, url.replace(near.host, `${near.hostname}:${distance.port}`))
  try {
    const ports = new Map()
    const target = (/** @type {Worker} */ worker) => ({ port: ports.get(worker), sessions: SESSIONS })
    const ready = await prepared(started, missing, async (worker) => {
      if (worker.backend !== 'baselines') {
        const before = await distance.roundTrips()
        await worker.do('fill', SESSIONS, 2_000)
        // A client that asks the server for its address would go there without the distance.
        if ((await distance.roundTrips()) === before) throw new Error(`${worker.name}: its server is not far away`)
      }
      await worker.do('watch')
      ports.set(worker, await worker.do('listen'))
      const some = () => load.inLockstep({ ...target(worker), seconds: quick ? 0.7 : 1 })
      if (quick) await some()
      await untilWarm(async () => (await asked(worker, some)).cpu, quick)
    })
    const [rounds, seconds] = quick ? [1, 0.5] : [ROUNDS, 0.8]
    const busy = await interleaved(
      ready,
      rounds,
      (worker) => asked(worker, () => load.inLockstep({ ...target(worker), seconds })),
      missing,
    )
    say('32 connections that are always busy')
    const calm = await interleaved([...busy.keys()], rounds, (worker) => waiting(worker, { ...target(worker), seconds }), missing)
    say('one by one')
    const measured = []
    for (const [worker, rounds] of calm) {
      // So few that a near cache has them all the second time.
      const few = { ...target(worker), sessions: COUNTED / 4, count: COUNTED }
      await load.alone(few)
      const before = await distance.roundTrips()
      await load.alone(few)
      const roundTrips = ((await distance.roundTrips()) - before) / COUNTED
      measured.push({ about: worker.about, roundTrips, calm: rounds, busy: busy.get(worker) ?? [] })
    }
    return { roundTrip, rows: rowsOf(measured), missing }
  } finally {
    for (const worker of started) await worker.stop()
    await distance.stop()
  }
}

/** Requests that arrive one by one, and how long one waits for its store. @param {Worker} worker @param {import('../measuring/http-load.js').Target} target */
async function waiting(worker, target) {
  await worker.do('waited')
  const done = await asked(worker, () => load.oneByOne({ ...target, rate: RATE }))
  return { ...done, wait: (await worker.do('waited')) / done.requests }
}

/** @param {readonly Measured[]} measured @returns {Row[]} */
export function rowsOf(measured) {
  const waits = (/** @type {Pick<Measured, 'calm'>} */ { calm }) => calm.map(({ wait }) => wait)
  const peers = measured.filter(({ about }) => !about.ours && !about.limit && !about.touchesLess)
  const best = peers.toSorted((one, other) => median(waits(one)) - median(waits(other)))[0]
  return measured.map(({ about, roundTrips, calm, busy }) => ({
    ...about,
    roundTrips,
    wait: median(waits({ calm })),
    median: median(calm.map((round) => round.median)),
    p99: median(calm.map(({ p99 }) => p99)),
    toBest: ratio(waits({ calm }), best === undefined ? [] : waits(best)),
    busyRate: median(busy.map(({ rate }) => rate)),
    busyMedian: median(busy.map((round) => round.median)),
    busy99: median(busy.map(({ p99 }) => p99)),
    busyCpu: median(busy.map(({ cpu }) => cpu)),
  }))
}
