// npm run conformance:peers -- [--built] [part of a store's name …]
//
// Grades the stores that people use, and ours, by the conformance suite for stores, and writes packages/conformance/GRADES.md.
// With names, only those are graded, and the result is printed. --built takes our packages as they are built already.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, runNpm, runTool } from './command.js'
import { install } from './install.js'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { built: { type: 'boolean', default: false } } })

await install()
const bench = join(root, 'bench')
// Not `npm ci`: it stops where a registry lacks a client's build for another platform. This takes the locked versions as well.
if (!existsSync(join(bench, 'node_modules/connect-session-knex'))) await runNpm(['install', '--no-save'], { cwd: bench })
if (!values.built && (await runTool('tsc', ['-b'])) !== 0) throw new Error('the packages can’t be built')

const { provideAll } = await import('./provide.js')
await provideAll()

const { storeChecks } = await import('@connect-databank/conformance')
const { gradeStores } = await import('./grades/grade-stores.js')
const { count, markdown } = await import('./grades/markdown.js')

const columns = await gradeStores({ parts: positionals, checks: storeChecks.map(({ name }) => name), say: console.error })
const text = markdown(columns, storeChecks, { date: new Date().toISOString().slice(0, 10), node: process.versions.node })
if (positionals.length > 0) console.log(text)
else writeFileSync(join(root, 'packages/conformance/GRADES.md'), text)

// A peer's failure is its own; one of ours is ours.
process.exit(columns.some(({ ours, results }) => ours && count(results).failed > 0) ? 1 : 0)
