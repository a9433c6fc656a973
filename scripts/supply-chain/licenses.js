// npm run licenses [-- --check]
//
// Writes LICENSES.md: under which licence everything is that our packages bring along. Fails if one isn't permissive. With
// --check nothing is written: it fails if the file says something else.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.js'
import { closure, publicPackages, readLock } from './closure.js'
import { isPermissive } from './permissive.js'

const file = join(root, 'LICENSES.md')
const lock = readLock()
const packages = publicPackages().map(({ name, path }) => ({ name, brings: closure(lock, path) }))

const problems = packages.flatMap(({ name, brings }) =>
  brings
    .filter(({ license }) => !isPermissive(license))
    .map((each) => `${each.name}, which comes with ${name}, is under no permissive licence: ${each.license}`),
)
const text = markdown()
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) problems.push('LICENSES.md is not up to date: `npm run licenses` writes it')
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

/** Names, without versions, which change more often than licences. What all bring, for their peer, is told once. */
function markdown() {
  const core = /** @type {typeof packages[0]} */ (packages.find(({ name }) => name === 'connect-databank'))
  const common = new Set(core.brings.map(({ name }) => name))
  const others = packages.filter((each) => each !== core)
  return [
    '# Licences',
    '',
    'Our packages are under the [Apache License 2.0](LICENSE). What an installation brings along besides them, optional packages of',
    'all platforms included, is under permissive licences. Written by `npm run licenses`.',
    '',
    '## All packages: the peer `express-session` and what it needs',
    '',
    ...table(core.brings),
    ...others.flatMap(({ name, brings }) => ['', `## ${name}`, '', ...table(brings.filter((each) => !common.has(each.name)))]),
    '',
  ].join('\n')
}

/** One row a licence. @param {import('./closure.js').Installed[]} brings */
function table(brings) {
  if (brings.length === 0) return ['Nothing besides.']
  const names = (/** @type {string} */ wanted) =>
    [...new Set(brings.filter(({ license }) => license === wanted).map(({ name }) => `\`${name}\``))].join(', ')
  const licences = [...new Set(brings.map(({ license }) => license))].sort()
  return ['| licence | packages |', '| --- | --- |', ...licences.map((license) => `| ${license} | ${names(license)} |`)]
}
