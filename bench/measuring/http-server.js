// A whole application: express, express-session and the store. Nine requests in ten only read the session, one writes it.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import express from 'express'
import session from 'express-session'
import { sidOf } from './sessions.js'

const secret = 'bench'

/** The signed cookie of a session, as express-session makes it. @param {number} index */
export function cookieOf(index) {
  const sid = sidOf(index)
  const signature = createHmac('sha256', secret).update(sid).digest('base64').replace(/=+$/, '')
  return `connect.sid=${encodeURIComponent(`s:${sid}.${signature}`)}`
}

/** @param {any} store undefined: no sessions at all @returns {Promise<number>} the port */
export async function listen(store) {
  const app = express()
  app.disable('x-powered-by')
  if (store !== undefined) app.use(session({ store, secret, resave: false, saveUninitialized: false }))
  let requests = 0
  app.get('/', (request, response) => {
    requests += 1
    const data = /** @type {any} */ (request).session
    if (data !== undefined && requests % 10 === 0) data.views = requests
    response.send('ok')
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}
