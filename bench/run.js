// npm run bench -- [--quick] [--only redis,memory] [--questions operations,requests] [--print] [--built]
//
// Installs the peers, builds the packages, starts the servers that can be had, asks every question of every backend, and
// writes RESULTS.md with its charts, and the short table of the README. With --only, --questions or --print nothing is
// written: the result is printed. --built measures what is built already.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install } from '../scripts/install.js'

const here = import.meta.dirname
const root = join(here, '..')

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    questions: { type: 'string' },
    print: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
  },
})

/** @type {import('node:child_process').ExecFileSyncOptions} */
const inherit = { stdio: ['ignore', 'inherit', 'inherit'] }
await install()
// Not `npm ci`: it stops where a registry lacks a client's build for another platform. This takes the locked versions as well.
if (!existsSync(join(here, 'node_modules'))) execFileSync('npm', ['install', '--no-save'], { cwd: here, ...inherit })
if (!values.built)
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, ...inherit })

const { askAll } = await import('./ask-all.js')
const only = values.only?.split(',')
const questions = values.questions?.split(',')
const results = await askAll({ quick: values.quick, only, questions, say: (text) => process.stderr.write(`${text}\n`) })

const { markdown, writeResults } = await import('./report.js')
if (only !== undefined || questions !== undefined || values.print) process.stdout.write(markdown(results))
else await writeResults(results)
process.exit()
