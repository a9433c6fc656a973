// npm run bench -- [--quick] [--only redis,memory] [--questions operations,distance] [--continue] [--print] [--built]
//
// Installs the peers, builds the packages, starts the servers that are available, and asks every question of every backend. Each part is
// kept when it is measured, in place of the one before; RESULTS.md, its charts and the short tables of the README are written from all
// parts. --continue measures what the last run has left. --print and --quick keep nothing and print. --built skips the build.
import { parseArgs } from 'node:util'
import { installAndBuild, installPeers } from '../scripts/ensure-built.js'

const values = options()
// At the end of this process, its servers and the processes of the stores end.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1))

await installAndBuild({ isBuilt: values.built })
await installPeers()

const { runAll, questionNames } = await import('./run-all.js')
const { backendNames } = await import('./stores/index.js')
const { ResultsStore, partName } = await import('./reporting/results-store.js')
const { markdown } = await import('./reporting/report.js')
const { writeResults } = await import('./reporting/write.js')

const results = new ResultsStore()
const isKept = !values.quick && !values.print
const unfinished = values.continue ? await results.unfinished() : undefined
if (values.continue && unfinished === undefined) fail('--continue: the last run is complete')
const only = unfinished ? unfinished.only : known('only', values.only, backendNames)
const questions = unfinished ? unfinished.questions : known('questions', values.questions, questionNames)
const done = unfinished?.done ?? []
const run = () => ({ ...(only && { only }), ...(questions && { questions }), done })
if (isKept) await results.keepUnfinished(run())

/** @type {import('./reporting/results-store.js').Part[]} */
const measured = []
const omitted = await runAll(
  { quick: values.quick, only, questions, say: (text) => process.stderr.write(`${text}\n`) },
  (backend, question) => done.includes(partName(backend, question)),
  async (part) => {
    measured.push(part)
    if (!isKept) return
    await writeResults(await results.keep(part), [])
    done.push(partName(part.backend, part.question))
    await results.keepUnfinished(run())
  },
)
if (isKept) {
  await writeResults(await results.parts(), omitted)
  await results.finish()
} else process.stdout.write(markdown(measured, omitted))
process.exit()

/** @param {string} option @param {string | undefined} list @param {readonly string[]} names @returns {string[] | undefined} */
function known(option, list, names) {
  const wanted = list?.split(',')
  const unknown = wanted?.find((name) => !names.includes(name))
  if (unknown !== undefined) fail(`--${option}: there is no ${unknown}; there are ${names.join(', ')}`)
  return wanted
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        questions: { type: 'string' },
        continue: { type: 'boolean', default: false },
        print: { type: 'boolean', default: false },
        built: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    return fail(`${/** @type {Error} */ (error).message}. bench/README.md names the options.`)
  }
}

/** @param {string} reason @returns {never} */
function fail(reason) {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}
