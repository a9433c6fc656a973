// `npm run load -- --seconds 30 --connections 1000`: the demo under load, and the memory of a store after a million operations.
import { parseArgs } from 'node:util'
import { runTool } from './command.js'
import { growth, loadDemo } from './load/run.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '1000' },
    url: { type: 'string', default: 'memory:' },
  },
})

const built = await runTool('tsc', ['-b'])
if (built !== 0) process.exit(built)

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
process.exitCode = wrong.length === 0 && exitCode === 0 ? 0 : 1

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
