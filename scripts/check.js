// `npm run check`: types of the sources and of the tests, lint and format. Says everything that is wrong, not only the first.
import { runTool } from './command.js'
import { install } from './install.js'

/** @returns {Promise<boolean>} whether all is well */
export async function check() {
  const codes = [
    await runTool('tsc', ['-b']),
    await runTool('tsc', ['-p', 'tsconfig.tests.json']),
    await runTool('tsc', ['-p', 'examples/demo/public']),
    await runTool('biome', ['ci', '--error-on-warnings', '.']),
  ]
  return codes.every((code) => code === 0)
}

if (process.argv[1] === import.meta.filename) {
  await install()
  process.exitCode = (await check()) ? 0 : 1
}
