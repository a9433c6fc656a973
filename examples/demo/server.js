// Runs the demo. SESSION_URL says where the sessions are (disk:./.sessions), PORT (3000) and HOST (127.0.0.1) where it listens,
// SESSION_SECRET signs the cookies, SESSION_LIFE is the life of a session in seconds (1800).
import { openStore } from 'connect-databank'
import { createApp } from './app.js'
import { describeStorage } from './storage.js'

const url = process.env['SESSION_URL'] || 'disk:./.sessions'
const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const life = Number(process.env['SESSION_LIFE'] || 1800) * 1000
// A secret that all have is good enough for a demo on this machine only: the ids in the cookies can't be guessed.
const secret = process.env['SESSION_SECRET'] || 'a demo has no secrets'

const storage = describeStorage(url)
const store = await open()
const { app, close } = createApp({ store, storage, secret, life })

const server = app.listen(port, host, (error) => {
  if (error) {
    console.error(`Can't listen on ${host}:${port}: ${error.message}`)
    process.exit(1)
  }
  console.log(`http://localhost:${port} – sessions in ${storage.name} (${storage.address})`)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)

/** Lets the requests that are under way end, then closes the store; the process ends by itself. */
function stop() {
  close()
  server.close(() => store.close())
  server.closeIdleConnections()
  setTimeout(() => process.exit(1), 5000).unref() // a request that hangs
}

async function open() {
  try {
    const store = await openStore(url)
    await store.open()
    return store
  } catch (error) {
    console.error(`The sessions in ${storage.name} (${storage.address}) can't be opened:`, error)
    process.exit(1)
  }
}
