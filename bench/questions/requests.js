// What does a store add to a whole request? express + express-session + store, asked over HTTP.

import { load } from '../measuring/http-load.js'
import { median, ratio, spread } from '../measuring/statistics.js'
import { untilSettled } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, Worker, workersOf } from '../measuring/workers.js'
import { isStore } from '../stores/memory-baseline.js'

export const title = 'Whole requests'
export const note =
  'express, express-session and the store in one process, asked over HTTP from another: `in lockstep` by autocannon with 32 connections, ' +
  '`one by one` with requests that arrive at their own times (exponential gaps), however long the answers take. ' +
  'CPU is that of the application for one request. Sessions of 2 kB; one request in ten writes.'

/** A quick run asks only these. */
export const quickBackends = ['memory']

const SESSIONS = 1_000
const RATE = 600
/** How long (s) an application is asked between two looks at whether it is warm. */
const WARMING = 1.5

/** A store that does nothing, and no sessions at all: what the stores are compared with. */
const baselines = ['a store that does nothing', 'no sessions']

/**
 * @typedef {{ name: string, ours: boolean, rate: number, cpu: number, spread: number, toNothing: number, openCpu: number, openMedian: number, open99: number }} Row
 */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  const wanted = await workersOf(backend, 'requests', isStore)
  const plain = baselines.map((name, index) => new Worker('baselines', index, { name, open: async () => ({}) }))
  const { started, missing } = await startAll([...wanted, ...plain], url)
  try {
    const ports = new Map()
    const ready = await prepared(started, missing, async (worker) => {
      if (worker.backend !== 'baselines') await worker.do('fill', SESSIONS, 2_000)
      ports.set(worker, await worker.do('listen'))
      // An application that has just been started is not what is asked about: its code is not compiled yet.
      const some = () => load.inLockstep(ports.get(worker), SESSIONS, quick ? 0.5 : WARMING)
      await untilSettled(async () => (await asked(worker, some)).cpu, quick)
    })
    // Of many short rounds, for what else the machine does comes and goes.
    const [rounds, seconds] = quick ? [1, 0.5] : [7, 0.8]
    const lockstep = (/** @type {Worker} */ worker) => asked(worker, () => load.inLockstep(ports.get(worker), SESSIONS, seconds))
    const closed = await interleaved(ready, rounds, lockstep, missing)
    say('in lockstep')
    const oneByOne = (/** @type {Worker} */ worker) =>
      asked(worker, () => load.oneByOne(ports.get(worker), SESSIONS, seconds, RATE))
    const open = await interleaved([...closed.keys()], rounds, oneByOne, missing)
    say('one by one')
    const nothing = [...closed].find(([{ name }]) => name === baselines[0])?.[1] ?? []
    return {
      rate: RATE,
      rows: [...open.keys()].map((worker) => rowOf(worker, closed.get(worker) ?? [], open.get(worker) ?? [], nothing)),
      missing,
    }
  } finally {
    for (const worker of started) await worker.stop()
  }
}

/** @typedef {{ requests: number, seconds: number, median: number, p99: number }} Loaded */

/** @param {Worker} worker @param {() => Promise<Loaded>} work */
async function asked(worker, work) {
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
    name: worker.name,
    ours: worker.ours,
    rate: median(of(closed, 'rate')),
    cpu: median(of(closed, 'cpu')),
    spread: spread(of(closed, 'cpu')),
    toNothing: ratio(of(closed, 'cpu'), of(nothing, 'cpu')),
    openCpu: median(of(open, 'cpu')),
    openMedian: median(of(open, 'median')),
    open99: median(of(open, 'p99')),
  }
}
