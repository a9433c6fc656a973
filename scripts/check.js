// `npm run check`: types of the sources and of the tests, lint and format. Prints every problem, not only the first.
import { runQuietly } from './command.js'
import { install } from './install.js'

/** Builds the packages, which checks the types of their sources. @returns {Promise<boolean>} whether it succeeded */
export function build() {
  return isFine('build', 'tsc', ['-b'])
}

/** Checks everything that the build does not, at the same time. @returns {Promise<boolean>} whether it found nothing */
export async function check() {
  const outcomes = await Promise.all([
    isFine('types of the tests', 'tsc', ['-p', 'tsconfig.tests.json']),
    isFine('types of the page', 'tsc', ['-p', 'examples/demo/public']),
    isFine('lint and format', 'biome', ['ci', '--error-on-warnings', '--colors=off', '.']),
  ])
  return outcomes.every((outcome) => outcome)
}

/** Prints the output of a tool only if it has found something. @param {string} what @param {'tsc' | 'biome'} tool @param {string[]} args */
async function isFine(what, tool, args) {
  const begin = Date.now()
  const { code, output } = await runQuietly(tool, args)
  console.log(`${what}: ${code === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - begin) / 1000).toFixed(0)} s`)
  if (code !== 0) console.log(output)
  return code === 0
}

if (process.argv[1] === import.meta.filename) {
  await install()
  const outcomes = [await build(), await check()]
  process.exitCode = outcomes.every((outcome) => outcome) ? 0 : 1
}
