// npm run bench -- [--quick] [--only redis,memory] [--questions operations,requests] [--print] [--built]
//
// Installs the peers, builds the packages, starts the servers that can be had, and asks every question of every backend. Each part is
// kept in results.json when it is measured, in place of the one before; RESULTS.md, its charts and the short table of the README are
// made of that. With --only and --questions some parts are measured anew. --print writes nothing and prints; --quick keeps nothing, and
// writes RESULTS.md of itself alone, or prints, if it is not of all. --built measures what is built already.
import { parseArgs } from 'node:util'
import { installAndBuild, installPeers } from '../scripts/ensure-built.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    questions: { type: 'string' },
    print: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
  },
})

await installAndBuild({ isBuilt: values.built })
await installPeers()

const { runAll, questionNames } = await import('./run-all.js')
const { backendNames } = await import('./stores/index.js')
const { keepPart, readParts } = await import('./reporting/results-store.js')
const { markdown, writeResults } = await import('./reporting/report.js')

const { quick, print } = values
const only = known('only', values.only, backendNames)
const questions = known('questions', values.questions, questionNames)
const isWhole = only === undefined && questions === undefined
const isKept = !quick && !print
/** @type {import('./reporting/results-store.js').Part[]} */
const measured = []

const omitted = await runAll({ quick, only, questions, say: (text) => process.stderr.write(`${text}\n`) }, async (part) => {
  measured.push(part)
  if (isKept) await writeResults(await keepPart(part), [])
})
if (isKept) await writeResults(await readParts(), omitted)
else if (quick && isWhole && !print) await writeResults(measured, omitted)
else process.stdout.write(markdown(measured, omitted))
process.exit()

/** @param {string} option @param {string | undefined} list @param {readonly string[]} names @returns {string[] | undefined} */
function known(option, list, names) {
  const wanted = list?.split(',')
  const unknown = wanted?.find((name) => !names.includes(name))
  if (unknown === undefined) return wanted
  process.stderr.write(`--${option}: there is no ${unknown}; there are ${names.join(', ')}\n`)
  process.exit(1)
}
