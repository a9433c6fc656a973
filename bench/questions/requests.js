// What does a store add to a whole request? express, express-session and the store, asked over HTTP. A server is on the same machine.

import { load } from '../measuring/http-load.js'
import { median, ratio, spread } from '../measuring/statistics.js'
import { untilWarm } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, workersOf } from '../measuring/workers.js'
import { NOTHING } from '../stores/baselines.js'
import { isStore } from '../stores/memory-baseline.js'

export const backends = ['memory', 'disk', 'sqlite', 'redis']
/** A quick run leaves it out. */
export const quickBackends = /** @type {string[]} */ ([])

const SESSIONS = 1_000
export const RATE = 600
/** How long (s) an application is asked between two looks at whether it is warm. */
const WARMING = 1

/**
 * @typedef {import('../measuring/workers.js').Worker} Worker
 * `toNothing`: times the CPU of a store that does nothing; `open…`: of requests that arrive one by one.
 * @typedef {{ rate: number, cpu: number, spread: number, toNothing: number, openCpu: number, openMedian: number, open99: number }} Figures
 * @typedef {import('../measuring/workers.js').About & Figures} Row
 */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  const wanted = await workersOf(backend, 'requests', isStore)
  const { started, missing } = await startAll([...wanted, ...(await workersOf('baselines', 'requests'))], url)
  try {
    const ports = new Map()
    const target = (/** @type {Worker} */ worker) => ({ port: ports.get(worker), sessions: SESSIONS })
    const ready = await prepared(started, missing, async (worker) => {
      if (worker.backend !== 'baselines') await worker.do('fill', SESSIONS, 2_000)
      ports.set(worker, await worker.do('listen'))
      // The code of an application that has just started is not compiled yet.
      const some = () => load.inLockstep({ ...target(worker), seconds: quick ? 0.5 : WARMING })
      await untilWarm(async () => (await asked(worker, some)).cpu, quick)
    })
    // Many short rounds: what else the machine does comes and goes.
    const [rounds, seconds] = quick ? [1, 0.5] : [5, 0.8]
    const lockstep = (/** @type {Worker} */ worker) => asked(worker, () => load.inLockstep({ ...target(worker), seconds }))
    const closed = await interleaved(ready, rounds, lockstep, missing)
    say('in lockstep')
    const oneByOne = (/** @type {Worker} */ worker) =>
      asked(worker, () => load.oneByOne({ ...target(worker), seconds, rate: RATE }))
    const open = await interleaved([...closed.keys()], rounds, oneByOne, missing)
    say('one by one')
    const nothing = [...closed].find(([{ name }]) => name === NOTHING)?.[1] ?? []
    return {
      rows: [...open.keys()].map((worker) => rowOf(worker, closed.get(worker) ?? [], open.get(worker) ?? [], nothing)),
      missing,
    }
  } finally {
    for (const worker of started) await worker.stop()
  }
}

/** @param {Worker} worker @param {() => Promise<import('../measuring/http-load.js').Loaded>} work */
export async function asked(worker, work) {
  const before = await worker.do('cpu')
  const loaded = await work()
  return { ...loaded, rate: loaded.requests / loaded.seconds, cpu: ((await worker.do('cpu')) - before) / loaded.requests }
}

/** @typedef {Awaited<ReturnType<typeof asked>>} Asked */

/** @param {Worker} worker @param {Asked[]} closed @param {Asked[]} open @param {Asked[]} nothing @returns {Row} */
function rowOf(worker, closed, open, nothing) {
  const of = (/** @type {Asked[]} */ rounds, /** @type {'rate' | 'cpu' | 'median' | 'p99'} */ what) =>
    rounds.map((round) => round[what])
  return {
    ...worker.about,
    rate: median(of(closed, 'rate')),
    cpu: median(of(closed, 'cpu')),
    spread: spread(of(closed, 'cpu')),
    toNothing: ratio(of(closed, 'cpu'), of(nothing, 'cpu')),
    openCpu: median(of(open, 'cpu')),
    openMedian: median(of(open, 'median')),
    open99: median(of(open, 'p99')),
  }
}
