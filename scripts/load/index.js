// `npm run load -- --seconds 30 --connections 1000`: the demo under load, and the memory of a store after a million operations.
// Fails at a wrong answer, a leak (of memory, timers or listeners) and a process that does not end.
import { parseArgs } from 'node:util'
import { installAndBuild } from '../ensure-built.js'
import { growth, loadDemo } from './run.js'

/** How far a heap may grow, in bytes: more than the collector leaves now and then, less than anything that is kept of each request. */
const tolerated = 5e6

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
console.log(wrong.length === 0 ? 'all as they should be' : [...new Set(wrong)].join('\n'))
console.log(`the demo's heap: ${megabytes(before.heap)} after the first seconds, ${megabytes(after.heap)} in the end`)
console.log(`its timers: ${before.timers}, ${after.timers}; its listeners: ${before.listeners}, ${after.listeners}`)
console.log(`after close() it ended by itself with ${exitCode}`)
const { operations, grown } = await growth()
console.log(`${operations} operations let a store's heap grow by ${megabytes(grown)}`)
const hasLeft = after.timers > before.timers || after.listeners > before.listeners
const hasGrown = grown > tolerated || after.heap - before.heap > tolerated
process.exitCode = wrong.length > 0 || exitCode !== 0 || hasLeft || hasGrown ? 1 : 0

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
