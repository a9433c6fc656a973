// npm run bench -- [--quick] [--only redis,memory] [--questions operations,requests] [--print] [--built]
//
// Installs the peers, builds the packages, starts the servers that can be had, asks every question of every backend, and
// writes RESULTS.md with its charts, and the short table of the README. With --only, --questions or --print nothing is
// written: the result is printed. --built measures what is built already.
import { parseArgs } from 'node:util'
import { installAndBuild, installPeers } from '../scripts/ready.js'

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

const { askAll } = await import('./ask-all.js')
const only = values.only?.split(',')
const questions = values.questions?.split(',')
const results = await askAll({ quick: values.quick, only, questions, say: (text) => process.stderr.write(`${text}\n`) })

const { markdown, writeResults } = await import('./report.js')
if (only !== undefined || questions !== undefined || values.print) process.stdout.write(markdown(results))
else await writeResults(results)
process.exit()
