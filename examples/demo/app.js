// The demo's routes.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import session from 'express-session'
import { comparisonRoutes, keptByMemoryStore } from './comparison.js'
import { liveUpdates } from './live.js'
import { metricsOf } from './metrics.js'
import { failurePage, loginPage, sessionPage } from './page.js'
import { counterKey, countersOf, endSession, handleOf, listSessions, parallelRequests, problemOfValue } from './sessions.js'

const contentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

/**
 * @param {{
 *   store: import('connect-databank').DatabankStore,
 *   storage: import('./page.js').Storage,
 *   secret: string,
 *   maxAge: number,
 *   absoluteTimeout: number,
 * }} what `maxAge`: the inactivity time-out of a session; `absoluteTimeout`: its longest lifetime; both in milliseconds
 */
export function createApp({ store, storage, secret, maxAge, absoluteTimeout }) {
  let merged = 0
  store.on('conflict', () => {
    merged++
  })
  const live = liveUpdates(store, () => merged)
  const metrics = metricsOf(store)

  const app = express()
  app.disable('x-powered-by')
  app.use((_request, response, next) => {
    response.set({ 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-store' })
    next()
  })
  app.use(express.static(join(import.meta.dirname, 'public'), { index: false }))
  // Before the session: the program that collects the figures needs none.
  app.get('/metrics', metrics.send)
  app.use('/memory-store', comparisonRoutes({ secret, pause }))
  app.use(
    session({
      store,
      secret,
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { maxAge, sameSite: 'lax', httpOnly: true, secure: 'auto' },
    }),
  )
  app.use(express.urlencoded({ extended: false, limit: '10kb' }))

  app.get('/', async (request, response) => {
    if (!isLoggedIn(request))
      return void response.send(loginPage({ storage, problem: hasSentCookie(request) ? ended : undefined }))
    await showSession(request, response)
  })

  app.post('/login', async (request, response) => {
    const name = field(request, 'name')
    if (name === '' || name.length > 40) {
      return void response.status(400).send(loginPage({ storage, problem: 'Your name needs 1 to 40 characters.' }))
    }
    // A new id with every login: an id that somebody else has planted in the browser before is worth nothing.
    await new Promise((resolve, reject) => {
      request.session.regenerate((error) => (error ? reject(error) : resolve(undefined)))
    })
    Object.assign(request.session, { name, since: new Date().toISOString() })
    response.redirect(303, '/')
  })

  app.post('/logout', async (request, response) => {
    await logOut(request)
    response.clearCookie('connect.sid').redirect(303, '/')
  })

  app.get('/session', (request, response) => {
    if (!isLoggedIn(request)) return void response.status(401).json({ error: 'not logged in' })
    response.json(request.session)
  })

  // Everything below is for users who are logged in.
  app.use((request, response, next) => {
    if (isLoggedIn(request)) next()
    else if (request.method === 'GET') response.redirect(303, '/')
    else response.status(401).send(loginPage({ storage, problem: ended }))
  })

  app.post('/values', async (request, response) => {
    const key = field(request, 'key')
    const value = field(request, 'value')
    const problem = problemOfValue(request.session, key, value)
    if (problem !== undefined) return await showSession(request, response, { problem })
    const data = dataOf(request)
    if (field(request, 'remove') !== '') delete data[key]
    else data[key] = value
    response.redirect(303, '/')
  })

  app.post('/parallel/:number', async (request, response) => {
    const number = Number(request.params.number)
    if (!Number.isInteger(number) || number < 1 || number > parallelRequests) return void response.sendStatus(404)
    await pause()
    const data = dataOf(request)
    const key = counterKey(number)
    data[key] = Number(data[key] ?? 0) + 1
    response.sendStatus(204)
  })

  // The same button without JavaScript: the server sends the requests to itself, in the user's name.
  app.post('/parallel', async (request, response) => {
    const before = countersOf(dataOf(request))
    const mergedBefore = merged
    await Promise.all(before.map((_, index) => sendToItself(request, `/parallel/${index + 1}`)))
    await new Promise((resolve, reject) => request.session.reload((error) => (error ? reject(error) : resolve(undefined))))
    const after = countersOf(dataOf(request))
    const kept = after.filter((count, index) => count > (before[index] ?? 0)).length
    const others = await keptByMemoryStore(`${addressOf(request)}/memory-store`)
    response.redirect(303, `/?kept=${kept}&merged=${merged - mergedBefore}&others=${others}#parallel`)
  })

  // For the button with JavaScript: what express-session's MemoryStore keeps of the same requests.
  app.post('/comparison', async (request, response) => {
    response.json({ kept: await keptByMemoryStore(`${addressOf(request)}/memory-store`) })
  })

  app.post('/sessions/end', async (request, response) => {
    const handle = field(request, 'session')
    if (handle === handleOf(request.sessionID)) await logOut(request)
    else await endSession(store, handle)
    response.redirect(303, '/')
  })

  app.post('/sessions/end-others', async (request, response) => {
    await store.destroySessionsOf(String(dataOf(request)['name']), { except: request.sessionID })
    response.redirect(303, '/')
  })

  app.get('/live', (request, response) => live.listen(request, response))

  app.use((_request, response) => {
    response.status(404).send(failurePage({ storage, message: 'There is no such page.' }))
  })

  /** @type {import('express').ErrorRequestHandler} */
  const onError = (error, request, response, next) => {
    if (response.headersSent) return next(error)
    const status = error.status >= 400 && error.status < 500 ? error.status : 503
    if (status === 503) console.error(`${request.method} ${request.path}:`, error)
    const message = status === 503 ? 'The session storage does not answer as it should.' : 'That request was not understood.'
    response.status(status).send(failurePage({ storage, message }))
  }
  app.use(onError)

  return {
    app,
    close() {
      live.close()
      metrics.close()
    },
  }

  /**
   * @param {import('express').Request} request
   * @param {import('express').Response} response
   * @param {{ problem?: string }} [what]
   */
  async function showSession(request, response, { problem } = {}) {
    const { kept, merged: mergedNow, others } = request.query
    const result =
      kept === undefined ? undefined : { kept: Number(kept) || 0, merged: Number(mergedNow) || 0, others: Number(others) || 0 }
    const sessions = await listSessions(store)
    const handle = handleOf(request.sessionID)
    if (problem !== undefined) response.status(400)
    const session = dataOf(request)
    response.send(sessionPage({ storage, session, handle, sessions, maxAge, absoluteTimeout, merged, result, problem }))
  }
}

const ended = 'Your session has ended: it was ended from elsewhere, or its time was over. Log in again.'

/** Makes parallel requests overlap: each has loaded the session as it was before. */
function pause() {
  return sleep(50 + Math.random() * 150)
}

/** Whether the browser has had a session. @param {import('express').Request} request */
function hasSentCookie(request) {
  return /(?:^|; )connect\.sid=s/.test(request.headers.cookie ?? '')
}

/** A field of the form: trimmed text, `''` if it isn't there. @param {import('express').Request} request @param {string} name */
function field(request, name) {
  const value = request.body?.[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** @param {import('express').Request} request @returns {Record<string, unknown>} */
function dataOf(request) {
  return /** @type {any} */ (request.session)
}

/** @param {import('express').Request} request */
function isLoggedIn(request) {
  return dataOf(request)['name'] !== undefined
}

/** @param {import('express').Request} request @returns {Promise<void>} */
function logOut(request) {
  return new Promise((resolve, reject) => request.session.destroy((error) => (error ? reject(error) : resolve())))
}

/** Where this server listens. @param {import('express').Request} request */
function addressOf(request) {
  const { localAddress, localPort } = request.socket
  const host = localAddress?.includes(':') ? `[${localAddress}]` : localAddress
  return `http://${host}:${localPort}`
}

/** @param {import('express').Request} request @param {string} path */
async function sendToItself(request, path) {
  await fetch(`${addressOf(request)}${path}`, { method: 'POST', headers: { cookie: request.headers.cookie ?? '' } })
}
