// `npm run load -- --seconds 30 --connections 1000`: the demo under load, and the memory of a store after a million operations.
// Fails on a wrong answer, a leak (of memory, timers or listeners) and a process that does not end.
import { parseArgs } from 'node:util'
import { installAndBuild } from '../ensure-built.js'
import { growth, loadDemo } from './run.js'

/** How much a heap may grow, in bytes: more than garbage collection varies, less than a leak in each request. */
const TOLERATED = 5e6

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '1000' },
    url: { type: 'string', default: 'memory:' },
  },
})

await installAndBuild()

const { before, after, answers, fewest, wrong, exitCode } = await loadDemo({
  seconds: Number(values.seconds),
  connections: Number(values.connections),
  url: values.url,
})
console.log(`${answers} answers on ${values.connections} connections, ${fewest} at least on each`)
console.log(wrong.length === 0 ? 'all correct' : [...new Set(wrong)].join('\n'))
console.log(`the demo's heap: ${megabytes(before.heap)} after the first seconds, ${megabytes(after.heap)} at the end`)
console.log(`its timers: ${before.timers}, ${after.timers}; its listeners: ${before.listeners}, ${after.listeners}`)
console.log(`after close() it ended by itself with ${exitCode}`)
const { operations, grown } = await growth()
console.log(`${operations} operations: a store's heap grew by ${megabytes(grown)}`)
const hasLeaked = after.timers > before.timers || after.listeners > before.listeners
const hasGrown = grown > TOLERATED || after.heap - before.heap > TOLERATED
process.exitCode = wrong.length > 0 || exitCode !== 0 || hasLeaked || hasGrown ? 1 : 0

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
