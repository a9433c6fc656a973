// `npm run soak -- --minutes 30`: random histories on every backend, round after round, each with another seed. A backend with a
// server runs twice: undisturbed and disturbed. `--only redis` selects by name; `--seed` sets the first seed.
import { parseArgs } from 'node:util'
import { backends, missing } from '../../testing/backends.js'
import { provideAll } from '../../testing/test-servers.js'
import { installAndBuild } from '../ensure-built.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})

await installAndBuild()
await provideAll()
const { runHistories } = await import('@connect-databank/conformance')
const { calm, disturbed } = await import('./stages.js')

/** @typedef {import('@connect-databank/conformance').HistoryOptions} Options */

/** @type {readonly Pick<Options, 'calls' | 'faults'>[]} */
const KINDS = [{ calls: 'ordered' }, { calls: 'ordered', faults: ['before', 'after'] }, { calls: 'as they come' }]

const end = Date.now() + Number(values.minutes) * 60_000
/** @type {import('../../testing/backends.js').Started[]} */
const servers = []
/** @type {Map<string, number>} */
const counts = new Map()
let seed = Number(values.seed)
let failures = 0

const stages = await startAll()
for (; Date.now() < end && failures === 0; seed++) {
  for (const { name, isDisturbed, open } of stages) {
    for (const kind of isDisturbed ? KINDS.slice(-1) : KINDS) {
      if (Date.now() >= end) break
      // Few at a time, so that a short soak reaches all stages.
      const runs = isDisturbed ? 10 : 100
      const report = await runHistories({ ...kind, open, runs, seed, rounding: 0, limit: 60_000, shrinking: 60_000 })
      counts.set(name, (counts.get(name) ?? 0) + report.histories)
      if (report.failure !== undefined) reportFailure(name, kind, report)
    }
  }
}

for (const { stop } of servers) await stop()
for (const [name, count] of counts) console.log(`${name}: ${count} histories`)
console.log(failures === 0 ? 'no failure' : `${failures} failures`)
process.exit(failures === 0 ? 0 : 1)

async function startAll() {
  const found = []
  for (const backend of backends) {
    const reason = missing(backend)
    if (reason !== undefined) console.log(`${backend.name} is left out: ${reason}`)
    const names = [backend.name, ...(backend.server === undefined ? [] : [`${backend.name}, disturbed`])]
    if (reason !== undefined || !names.some((name) => name.includes(values.only))) continue
    const started = await backend.start()
    servers.push(started)
    found.push({ name: backend.name, isDisturbed: false, open: calm(backend, started) })
    if (names.length > 1) found.push({ name: `${names[1]}`, isDisturbed: true, open: disturbed(backend, started) })
  }
  return found.filter(({ name }) => name.includes(values.only))
}

/**
 * @param {string} name
 * @param {object} kind
 * @param {import('@connect-databank/conformance').HistoryReport} report
 */
function reportFailure(name, kind, { seed: own, failure }) {
  failures++
  console.log(`\n${name}, ${JSON.stringify(kind)}, seed ${own}, path ${failure?.path}:\n${failure?.error.message}`)
  console.log(JSON.stringify(failure?.plan))
}
