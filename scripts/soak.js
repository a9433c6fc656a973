// `npm run soak -- --minutes 30`: random histories on every backend that is there, round after round, each after another seed.
// `--only redis` takes those whose names hold this; `--seed` begins with this one.
import { parseArgs } from 'node:util'
import { installAndBuild } from './ensure-built.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})

await installAndBuild()
const { provideAll } = await import('../testing/test-servers.js')
await provideAll()
const { runHistories } = await import('@connect-databank/conformance')
const { places } = await import('./soak/places.js')

/** @typedef {import('@connect-databank/conformance').HistoryOptions} Options */

/** @type {readonly Pick<Options, 'calls' | 'faults'>[]} */
const kinds = [{ calls: 'ordered' }, { calls: 'ordered', faults: ['before', 'after'] }, { calls: 'as they come' }]

const end = Date.now() + Number(values.minutes) * 60_000
const all = (await places()).filter(({ name }) => name.includes(values.only))
/** @type {Map<string, number>} */
const counts = new Map()
let seed = Number(values.seed)
let failures = 0

for (; Date.now() < end && failures === 0; seed++) {
  for (const { name, isDisturbed = false, open } of all) {
    for (const kind of isDisturbed ? kinds.slice(-1) : kinds) {
      if (Date.now() >= end) break
      // Few at a time, so that a short soak comes to all places.
      const runs = isDisturbed ? 10 : 100
      const report = await runHistories({ ...kind, open, runs, seed, rounding: 0, limit: 60_000, shrinking: 60_000 })
      counts.set(name, (counts.get(name) ?? 0) + report.histories)
      if (report.failure !== undefined) tell(name, kind, report)
    }
  }
}

for (const { stop } of all) await stop?.()
for (const [name, count] of counts) console.log(`${name}: ${count} histories`)
console.log(failures === 0 ? 'no promise was broken' : `${failures} promises were broken`)
process.exit(failures === 0 ? 0 : 1)

/**
 * @param {string} name
 * @param {object} kind
 * @param {import('@connect-databank/conformance').HistoryReport} report
 */
function tell(name, kind, { seed: own, failure }) {
  failures++
  console.log(`\n${name}, ${JSON.stringify(kind)}, seed ${own}, path ${failure?.path}:\n${failure?.error.message}`)
  console.log(JSON.stringify(failure?.plan))
}
