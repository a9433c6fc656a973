import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import session from 'express-session'
import { afterEach, describe, expect, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import type { StoreOptions } from '../src/options.ts'
import { DatabankStore } from '../src/store.ts'
import { Gate, gatedBank, MINUTE, minutesOf, ReferenceBank } from './helpers.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

type Data = Record<string, unknown>

/** An application whose requests can be held after they loaded their session, and a browser that keeps its cookie. */
async function open(bank: Bank, options: Omit<StoreOptions, 'bank'> = {}, sessionOptions: Partial<session.SessionOptions> = {}) {
  const store = new DatabankStore({ bank, ...options })
  const gate = new Gate()
  const app = express()
  app.use(
    session({ store, secret: 'test', resave: false, saveUninitialized: false, cookie: { maxAge: MINUTE }, ...sessionOptions }),
  )
  routes(app, gate)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
    await store.close().catch(() => {})
  })
  const { port } = server.address() as AddressInfo
  let cookie = ''
  const request = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie }, redirect: 'manual' })
    const set = response.headers.get('set-cookie')
    if (set !== null) cookie = set.split(';')[0]!
    return {
      status: response.status,
      setCookie: set,
      body: response.headers.get('content-type')?.includes('json') ? ((await response.json()) as Data) : await response.text(),
    }
  }
  return { store, gate, request }
}

function routes(app: Express, gate: Gate): void {
  const data = (request: express.Request) => request.session as unknown as Data
  app.get('/set/:key', async (request, response) => {
    const { key } = request.params
    await gate.pass(key)
    data(request)[key] = 1
    response.json({})
  })
  app.get('/open/:key', (request, response) => {
    data(request)[request.params.key] = 1
    response.json({})
  })
  app.get('/redirect', (request, response) => {
    data(request)['redirected'] = true
    response.redirect('/session')
  })
  app.get('/session', (request, response) => {
    const { cookie: _, ...rest } = data(request)
    response.json(rest)
  })
  app.get('/remember', (request, response) => {
    request.session.cookie.maxAge = 30 * MINUTE
    response.json({})
  })
  app.get('/save', (request, response, next) => {
    data(request)['saved'] = 1
    request.session.save((error) => (error ? next(error) : response.json({})))
  })
  app.get('/logout', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.json({})))
  })
  app.get('/regenerate', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error)
      data(request)['fresh'] = true
      response.json({})
    })
  })
  app.use(((error, _request, response, _next) => {
    response.status(500).json({ code: error.code })
  }) as express.ErrorRequestHandler)
}

/** All orders of the names. */
function orders(names: string[]): string[][] {
  if (names.length < 2) return [names]
  return names.flatMap((name) => orders(names.filter((other) => other !== name)).map((rest) => [name, ...rest]))
}

describe('parallel requests', () => {
  it.each(orders(['a', 'b', 'c']))('lose no change when they end in the order %s %s %s', async (...order) => {
    const { gate, request } = await open(new ReferenceBank())
    await request('/open/start')
    const requests = new Map(order.map((key) => [key, request(`/set/${key}`)]))
    await gate.arrived(...order)
    for (const key of order) {
      gate.release(key)
      await requests.get(key)
    }
    expect((await request('/session')).body).toEqual({ start: 1, a: 1, b: 1, c: 1 })
  })

  it('lose none of twenty changes when they end at once', async () => {
    const { gate, request } = await open(new ReferenceBank())
    await request('/open/start')
    const keys = Array.from({ length: 20 }, (_, index) => `key${index}`)
    const requests = keys.map((key) => request(`/set/${key}`))
    await gate.arrived(...keys)
    gate.releaseAll()
    await Promise.all(requests)
    expect(Object.keys((await request('/session')).body as Data).sort()).toEqual(['start', ...keys].sort())
  })

  it('do not bring a session back from logout', async () => {
    const { gate, request, store } = await open(new ReferenceBank())
    await request('/open/start')
    const late = request('/set/late')
    await gate.arrived('late')
    await request('/logout')
    const dropped = once(store, 'dropped')
    gate.release('late')
    expect((await late).status).toBe(200)
    await dropped
    expect((await request('/session')).body).toEqual({})
    expect(await store.length()).toBe(0)
  })

  it('do not bring the old session back from regenerate', async () => {
    const { gate, request, store } = await open(new ReferenceBank())
    await request('/open/start')
    const late = request('/set/late')
    await gate.arrived('late')
    await request('/regenerate')
    gate.release('late')
    await late
    const sessions = await store.all()
    expect(sessions).toEqual([{ cookie: expect.anything(), fresh: true }])
  })
})

describe('one request after the other', () => {
  it('sees what the request before its redirect has saved, though the save is slow', async () => {
    const bank = gatedBank(new ReferenceBank())
    const { request } = await open(bank)
    await request('/open/start')
    bank.hold('swap')
    const redirect = request('/redirect')
    const held = await bank.held('swap')
    const next = request('/session')
    await held.release()
    await redirect
    expect((await next).body).toEqual({ start: 1, redirected: true })
  })

  it('keeps a cookie of which only maxAge has changed', async () => {
    const { request, store } = await open(new ReferenceBank())
    await request('/open/start')
    await request('/remember')
    const sessions = await store.all()
    expect(sessions.map((each) => minutesOf(each.cookie.originalMaxAge))).toEqual([30])
  })

  it('keeps the data of an explicit save, which a touch follows', async () => {
    const { request } = await open(new ReferenceBank())
    await request('/open/start')
    await request('/save')
    expect((await request('/session')).body).toEqual({ start: 1, saved: 1 })
  })

  it('works with resave, rolling and unset, which write more often', async () => {
    const { request, store } = await open(
      new ReferenceBank(),
      {},
      { resave: true, rolling: true, unset: 'destroy', saveUninitialized: true },
    )
    await request('/open/start')
    await request('/session')
    expect((await request('/session')).body).toEqual({ start: 1 })
    await request('/logout')
    expect(await store.length()).toBe(0)
  })
})

describe('when the database is down', () => {
  it('a request gets a coded error in time, and the next one its session when it is up again', async () => {
    const bank = gatedBank(new ReferenceBank())
    const { request } = await open(bank, { timeout: 50 })
    await request('/open/start')
    bank.hold('read')
    expect(await request('/session')).toMatchObject({ status: 500, body: { code: 'DATABANK_TIMEOUT' } })
    bank.releaseAll()
    expect(await request('/session')).toMatchObject({ status: 200, body: { start: 1 } })
  })

  it('an error with the code ENOENT does not count as a missing session: nobody is logged out', async () => {
    const bank = new ReferenceBank()
    const { request } = await open(bank)
    await request('/open/start')
    const { read } = bank
    bank.read = () => Promise.reject(Object.assign(new Error('folder is gone'), { code: 'ENOENT' }))
    expect(await request('/session')).toMatchObject({ status: 500, setCookie: null, body: { code: 'DATABANK_BACKEND_FAILED' } })
    bank.read = read
    expect((await request('/session')).body).toEqual({ start: 1 })
  })

  it('a corrupt record gives its user a new session, and no error', async () => {
    const bank = new ReferenceBank()
    const { request } = await open(bank)
    await request('/open/start')
    for await (const [id] of bank.scan()) await bank.save(id, { payload: '{"cookie"', expires: null })
    expect(await request('/session')).toMatchObject({ status: 200, body: {} })
  })
})
