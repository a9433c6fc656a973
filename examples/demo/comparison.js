// The same parallel requests on express-session's own MemoryStore, so that the difference can be seen.
import express from 'express'
import session from 'express-session'
import { counterKey, countersOf, parallelRequests } from './sessions.js'

/**
 * Routes whose sessions are in express-session's MemoryStore, apart from the demo's own.
 * @param {{ secret: string, pause: () => Promise<unknown> }} what `pause` makes the requests overlap
 */
export function comparisonRoutes({ secret, pause }) {
  const routes = express.Router()
  const store = new session.MemoryStore()
  routes.use(
    session({ store, secret, name: 'comparison.sid', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 } }),
  )
  routes.post('/start', (_request, response) => void response.sendStatus(204))
  routes.post('/add/:number', async (request, response) => {
    const data = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (request.session))
    await pause()
    const key = counterKey(Number(request.params.number))
    data[key] = Number(data[key] ?? 0) + 1
    response.sendStatus(204)
  })
  routes.get('/session', (request, response) => void response.json(request.session))
  return routes
}

/**
 * Sends the requests, each of which adds one to a counter of its own. Returns how many of them the MemoryStore has kept.
 * @param {string} address where the routes are
 */
export async function keptByMemoryStore(address) {
  const { headers } = await fetch(`${address}/start`, { method: 'POST' })
  const cookie = headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const numbers = Array.from({ length: parallelRequests }, (_, index) => index + 1)
  await Promise.all(numbers.map((number) => fetch(`${address}/add/${number}`, { method: 'POST', headers: { cookie } })))
  const response = await fetch(`${address}/session`, { headers: { cookie } })
  const counters = countersOf(/** @type {Record<string, unknown>} */ (await response.json()))
  return counters.filter((count) => count > 0).length
}
