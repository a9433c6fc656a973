// `npm run test:long`: the tests that are a sample in `npm test`, whole: all ids, histories and kills of processes. Takes an hour.
import { runTool } from './command.js'
import { install } from './install.js'

const NUMBERS = { ID_COUNT: '50000', HISTORY_RUNS: '3000', DISTURBED_RUNS: '300', KILLS: '300' }
const FILES = ['bad-input', 'histories', 'lost-updates', 'crashes', 'processes']

await install()
const { provideAll } = await import('../testing/test-servers.js')
await provideAll()
const env = { ...NUMBERS, ...process.env }
process.exitCode = await runTool('vitest', ['run', ...FILES, '--testTimeout=3600000', ...process.argv.slice(2)], { env })
