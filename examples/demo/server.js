// Runs the demo. SESSION_URL says where the sessions are stored (disk:./.sessions), PORT (3000) and HOST (127.0.0.1) where it listens,
// SESSION_SECRET signs the cookies, SESSION_MAX_AGE is the inactivity time-out of a session in seconds (1800), SESSION_ABSOLUTE its
// absolute time-out (28800).
import { openStore } from 'connect-databank'
import { createApp } from './app.js'
import { describeStorage } from './storage.js'

const url = process.env['SESSION_URL'] || 'disk:./.sessions'
const port = number('PORT', 3000, 0, 65_535)
const host = process.env['HOST'] || '127.0.0.1'
const maxAge = number('SESSION_MAX_AGE', 1800, 1, 31_536_000) * 1000
const absoluteTimeout = number('SESSION_ABSOLUTE', 28_800, 1, 31_536_000) * 1000
// A secret that everybody knows is good enough for a demo on this machine only: the ids in the cookies can't be guessed.
const secret = process.env['SESSION_SECRET'] || 'a demo has no secrets'

const storage = describeStorage(url)
const store = await open()
const { app, close } = createApp({ store, storage, secret, maxAge, absoluteTimeout })

const server = app.listen(port, host, (error) => {
  if (error) fail(`Can't listen on ${host}:${port}: ${reasonOf(error)}`)
  console.log(`http://localhost:${port} – sessions in ${storage.name} (${storage.address})`)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)

/** Waits for the requests under way, then closes the store; the process ends by itself. */
function stop() {
  close()
  server.close(() => store.close())
  server.closeIdleConnections()
  setTimeout(() => process.exit(1), 5000).unref() // a request that hangs
}

async function open() {
  try {
    const store = await openStore(url, { owner: (session) => nameOf(session), absoluteTimeout })
    await store.open()
    return store
  } catch (error) {
    console.error(`The sessions in ${storage.name} (${storage.address}) can't be opened:`, error)
    process.exit(1)
  }
}

/** @param {object} session */
function nameOf(session) {
  const { name } = /** @type {{ name?: string }} */ (session)
  return name ?? null
}

/**
 * A number from the environment.
 * @param {string} name
 * @param {number} standard
 * @param {number} least
 * @param {number} most
 */
function number(name, standard, least, most) {
  const text = process.env[name] || String(standard)
  const value = Number(text)
  if (!(value >= least && value <= most))
    fail(`${name} must be a number from ${least} to ${most}, such as ${standard}; it is "${text}"`)
  return value
}

/** @param {NodeJS.ErrnoException} error */
function reasonOf({ code, message }) {
  if (code === 'EADDRINUSE') return `the port is in use. Choose another one: PORT=${port + 1} npm start`
  return code === 'EACCES' ? 'this port needs more rights. Choose one above 1023: PORT=3000 npm start' : message
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}
