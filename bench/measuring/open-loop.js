// An open loop inside the process: requests arrive one by one, at their own times, whether or not the last one is answered.
import { performance } from 'node:perf_hooks'
import { orderOf, randomOf } from './sessions.js'
import { quantile } from './statistics.js'
import { mix } from './workload.js'

/**
 * Has `rate` requests a second arrive (get, then a touch or a set), with exponential gaps; gives how long they took, in ms.
 * @param {import('./workload.js').Opened} opened
 * @param {{ rate: number, sessions: number, milliseconds: number }} slice
 */
export async function openLoop({ store }, { rate, sessions, milliseconds }) {
  const work = mix(store, orderOf('uniform', sessions, 2))
  const random = randomOf(rate)
  /** @type {number[]} */
  const took = []
  let underWay = 0
  let due = performance.now()
  const end = due + milliseconds
  await new Promise((resolve, reject) => {
    // A turn of the loop starts what has become due, so that no two arrive in one turn unless the loop is late.
    const turn = () => {
      const now = performance.now()
      for (; due <= now && due < end; due -= (Math.log(1 - random()) / rate) * 1000) {
        const arrived = due
        underWay += 1
        work((error) => {
          if (error) return reject(error)
          underWay -= 1
          took.push(performance.now() - arrived)
        })
      }
      if (due >= end && underWay === 0) resolve(undefined)
      else setImmediate(turn)
    }
    turn()
  })
  return { median: quantile(took, 0.5), p99: quantile(took, 0.99), late: performance.now() - end }
}
