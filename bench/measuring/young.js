// What requests cost in a process that has just started. V8 interprets code at first, and compiles what is called often.
import { performance } from 'node:perf_hooks'
import { orderOf } from './sessions.js'
import { fill, forEach, mix } from './workload.js'

export const FIRST = 1_000
export const NEXT = 9_000
const LAST = 10_000
const CONCURRENCY = 16
const BYTES = 2_000

/** @typedef {{ first: number, next: number, last: number }} Young CPU µs of one request */

/**
 * @param {import('./workload.js').Opened} opened
 * @param {{ sessions: number, isFilled: boolean, milliseconds: number }} work `isFilled`: another process has stored the sessions;
 *   `milliseconds`: how long it is warmed up before the last requests
 * @returns {Promise<Young>}
 */
export async function costOfYoung(opened, { sessions, isFilled, milliseconds }) {
  if (!isFilled) await fill(opened, sessions, BYTES)
  const work = mix(opened.store, orderOf(sessions, 2), sessions)
  const first = await costOf(work, FIRST)
  const next = await costOf(work, NEXT)
  const end = performance.now() + milliseconds
  while (performance.now() < end) await costOf(work, FIRST)
  return { first, next, last: await costOf(work, LAST) }
}

/** @param {import('./workload.js').Work} work @param {number} count */
async function costOf(work, count) {
  const before = process.cpuUsage()
  await forEach(count, CONCURRENCY, (_, done) => work(done))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
