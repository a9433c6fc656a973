// Whole requests with express-session 1.17.3, the oldest line that the package supports. Core judges cookies by it as well.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import session, { type SessionOptions, type Store } from 'express-session'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DatabankStore } from '../src/store.ts'
import { dataOf, MINUTE, ReferenceBank } from './helpers.ts'

vi.mock('express-session', () => import('express-session-1.17' as 'express-session'))

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Visits an application that counts visits in the session. What each visit counted, and the cookie that the first one set. */
async function visits(store: Store, count: number, options: Partial<SessionOptions>) {
  const middleware = session({ store, secret: 'test', resave: false, saveUninitialized: false, ...options })
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    middleware(request as never, response as never, (error?: unknown) => {
      if (error !== undefined) return response.writeHead(500).end(String(error))
      const { session: live } = request as unknown as { session: { visits?: number } }
      live.visits = (live.visits ?? 0) + 1
      response.end(String(live.visits))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  let cookie = ''
  let header = ''
  const seen: string[] = []
  for (let visit = 0; visit < count; visit++) {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers: { cookie } })
    const [set] = response.headers.getSetCookie()
    if (visit === 0) header = set ?? ''
    if (set !== undefined) cookie = set.split(';')[0]!
    seen.push(await response.text())
  }
  return { seen, header }
}

const COOKIES: [string, NonNullable<SessionOptions['cookie']>][] = [
  ['no attributes', {}],
  ['an age', { maxAge: MINUTE }],
  ['a domain with an underscore', { domain: 'my_app.local' }],
  ['a domain with a port', { domain: 'localhost:3000' }],
  ['a domain with a letter beyond ASCII', { domain: 'b\u00fccher.example' }],
  ['a domain that begins with a dot', { domain: '.example.com', maxAge: MINUTE }],
  ['every attribute', { path: '/', httpOnly: false, sameSite: 'lax', maxAge: MINUTE, domain: 'x_y.example' }],
]

describe('requests with express-session 1.17', () => {
  it('are those of 1.17: it sends what 1.19 refuses', () => {
    const { Cookie } = session as unknown as {
      Cookie: new (fields: object) => { serialize(name: string, value: string): string }
    }
    expect(new Cookie({ domain: 'my_app.local' }).serialize('sid', 'x')).toContain('Domain=my_app.local')
    expect(Object.getOwnPropertyNames(new Cookie({}))).not.toContain('partitioned')
  })

  it.each(COOKIES)('keep a session whose cookie has %s, as its own MemoryStore does', async (_name, cookie) => {
    const options = { cookie }
    const corrupt = vi.fn()
    const store = new DatabankStore({ bank: new ReferenceBank(), cleanupInterval: null })
    store.on('corrupt', corrupt)
    const theirs = await visits(new session.MemoryStore(), 4, options)
    const ours = await visits(store, 4, options)
    expect(ours.seen).toEqual(['1', '2', '3', '4'])
    expect(ours.seen).toEqual(theirs.seen)
    const attributes = (header: string) => header.replace(/^[^;]*/, '').replace(/Expires=[^;]*/, '')
    expect(attributes(ours.header)).toBe(attributes(theirs.header))
    expect(corrupt).not.toHaveBeenCalled()
  })

  it.each([...COOKIES, ['a path with spaces', { path: '/a b/c' }] as const])(
    'read a stored session whose cookie has %s',
    async (_name, cookie) => {
      const bank = new ReferenceBank()
      const store = new DatabankStore({ bank, cleanupInterval: null })
      await bank.save('sid', { payload: JSON.stringify({ cookie: { path: '/', ...cookie }, user: 'ada' }), expires: null })
      expect(dataOf(await store.get('sid'))).toEqual({ user: 'ada' })
    },
  )

  it.each([
    ['a path that would end the attribute', { path: '/; HttpOnly' }],
    ['a domain that would end the attribute', { domain: 'example.com; Secure' }],
    ['a domain that would end the header', { domain: 'example.com\r\nX-Header: 1' }],
    ['a domain that no header can hold', { domain: '例え.example' }],
    ['a sameSite that does not exist', { sameSite: 'somewhere' }],
    ['a path that is a number', { path: 5 }],
  ])('do not get a stored session whose cookie has %s', async (_name, cookie) => {
    const bank = new ReferenceBank()
    const store = new DatabankStore({ bank, cleanupInterval: null })
    await bank.save('sid', { payload: JSON.stringify({ cookie: { path: '/', ...cookie } }), expires: null })
    expect(await store.get('sid')).toBeNull()
  })
})
