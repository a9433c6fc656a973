// A process that loads a package, opens its store and asks it for a session that does not exist; it prints how long that took.
//
// node start-up-process.js <backend> <name of the store> <url> <folder>
import { performance } from 'node:perf_hooks'
// Every application loads it anyway.
import 'express-session'
import { programs } from '../stores/start-up.js'

const [backend = '', name, url = '', folder = ''] = process.argv.slice(2)
const all = programs[backend] ?? []
const index = all.findIndex((each) => each.name === name)
const program = all[index]
if (program === undefined) throw new Error(`there is no ${name}`)
process.on('uncaughtException', (error) => process.stderr.write(error.message, () => process.exit(1)))

const start = performance.now()
const module = await program.load()
const loaded = performance.now()
const store = await program.open(module, { url, folder, namespace: `start_up_${index}` })
await new Promise((resolve, reject) => {
  store.get('nobody', (/** @type {any} */ error) => {
    // ENOENT means a missing session to express-session, too.
    if (error && error.code !== 'ENOENT') reject(error)
    else resolve(undefined)
  })
})
const answered = performance.now()
const memory = process.memoryUsage().rss / 1e6
process.stdout.write(JSON.stringify({ load: loaded - start, answer: answered - start, memory }), () => process.exit())
