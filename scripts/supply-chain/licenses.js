// npm run licenses [-- --check]
//
// Writes LICENSES.md, the licences of all dependencies of our packages. Fails if one is not permissive. With --check it writes nothing, and
// fails if the file is not up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.js'
import { closure, publicPackages, readLock } from './closure.js'
import { isPermissive } from './permissive.js'

const file = join(root, 'LICENSES.md')
const lock = readLock()
const packages = publicPackages().map(({ name, path }) => ({ name, dependencies: closure(lock, path) }))

const problems = packages.flatMap(({ name, dependencies }) =>
  dependencies
    .filter(({ license }) => !isPermissive(license))
    .map((each) => `${each.name}, a dependency of ${name}, has no permissive licence: ${each.license}`),
)
const text = markdown()
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) problems.push('LICENSES.md is not up to date: `npm run licenses` writes it')
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

/** Lists names without versions, which change more often than licences. The dependencies that all packages share are listed once. */
function markdown() {
  const core = /** @type {typeof packages[0]} */ (packages.find(({ name }) => name === 'connect-databank'))
  const common = new Set(core.dependencies.map(({ name }) => name))
  const others = packages.filter((each) => each !== core)
  return [
    '# Licences',
    '',
    'Our packages are under the [Apache License 2.0](LICENSE). All their dependencies, including optional ones for other platforms, have',
    'permissive licences. `npm run licenses` writes this file.',
    '',
    '## All packages: the peer dependency `express-session` and its dependencies',
    '',
    ...table(core.dependencies),
    ...others.flatMap(({ name, dependencies }) => [
      '',
      `## ${name}`,
      '',
      ...table(dependencies.filter((each) => !common.has(each.name))),
    ]),
    '',
  ].join('\n')
}

/** A row for each licence. @param {import('./closure.js').Installed[]} dependencies */
function table(dependencies) {
  if (dependencies.length === 0) return ['No further dependencies.']
  const names = (/** @type {string} */ wanted) =>
    [...new Set(dependencies.filter(({ license }) => license === wanted).map(({ name }) => `\`${name}\``))].join(', ')
  const licences = [...new Set(dependencies.map(({ license }) => license))].sort()
  return ['| licence | packages |', '| --- | --- |', ...licences.map((license) => `| ${license} | ${names(license)} |`)]
}
