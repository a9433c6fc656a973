// `npm start`: installs, builds and runs the demo.
import { runTool } from './command.js'
import { install } from './install.js'

await install()
const code = await runTool('tsc', ['-b'])
if (code !== 0) process.exit(code)

endWithNpm()
await import('../examples/demo/server.js')

/**
 * Ends the demo when npm is gone. npm hands on signals, but a `kill -9` of npm it can't: the demo would stay behind, and keep
 * the port from the next `npm start`.
 */
function endWithNpm() {
  if (process.env['npm_lifecycle_event'] !== 'start') return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  }, 250).unref()
}
