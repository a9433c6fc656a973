import { EXIT } from './failure.ts'
import { main } from './main.ts'

const stop = new AbortController()
process.on('SIGINT', () => {
  // The second time: at once.
  if (stop.signal.aborted) process.exit(EXIT.stopped)
  stop.abort()
})

const { stdin, stdout, stderr, env } = process
main(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal }).then((code) => {
  // A client that the configuration opened may keep the process alive. The output is flushed before.
  stdout.write('', () => stderr.write('', () => process.exit(code)))
})
