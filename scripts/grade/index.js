// npm run conformance:peers -- [--built] [part of a store's name …]
//
// Grades the stores that people use, and ours, by the conformance suite for stores, and writes packages/conformance/GRADES.md.
// With names, only those are graded, and the result is printed. --built skips the build.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../command.js'
import { installAndBuild, installPeers } from '../ensure-built.js'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { built: { type: 'boolean', default: false } } })

await installAndBuild({ isBuilt: values.built })
await installPeers()

const { provideAll } = await import('../../testing/test-servers.js')
await provideAll()

const { storeChecks } = await import('@connect-databank/conformance')
const { gradeStores } = await import('./grade-stores.js')
const { count, markdown } = await import('./markdown.js')

const columns = await gradeStores({ parts: positionals, checks: storeChecks.map(({ name }) => name), say: console.error })
const text = markdown(columns, storeChecks, { date: new Date().toISOString().slice(0, 10), node: process.versions.node })
if (positionals.length > 0) console.log(text)
else writeFileSync(join(root, 'packages/conformance/GRADES.md'), text)

// Only failures of our stores are failures of this command.
process.exit(columns.some(({ ours, results }) => ours && count(results).failed > 0) ? 1 : 0)
