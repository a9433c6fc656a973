import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { startDemo, Visitor } from './running.ts'

let folder: Awaited<ReturnType<typeof scratchFolder>>
let demo: Awaited<ReturnType<typeof startDemo>>

beforeAll(async () => {
  folder = await scratchFolder()
  demo = await startDemo(folder.path)
})

afterAll(async () => {
  await demo?.program.stop()
  await folder?.remove()
})

const visitor = () => new Visitor(demo.address)

const sidOf = ({ cookie }: Visitor): string =>
  decodeURIComponent(cookie)
    .replace(/^connect\.sid=s:/, '')
    .split('.')[0] ?? ''

/** The value of the line that begins so, in the format of Prometheus. */
const metricOf = (text: string, start: RegExp): number => {
  const line = text.split('\n').find((each) => start.test(each))
  return Number(line?.replace(start, ''))
}

describe('the demo without JavaScript', () => {
  it('asks who is there, and keeps no session of who only looks', async () => {
    const nobody = visitor()
    const { status, text } = await nobody.request('/')
    expect(status).toBe(200)
    expect(text).toContain('<form method="post" action="/login"')
    expect(nobody.cookie).toBe('')
    expect((await nobody.session()).status).toBe(401)
  })

  it('says where the sessions are', async () => {
    expect((await visitor().request('/')).text).toContain('disk:./.sessions')
    expect(readdirSync(folder.path)).toContain('.sessions')
  })

  it('logs in and out', async () => {
    const ada = await visitor().logIn('Ada')
    const { status, session } = await ada.session()
    expect(status).toBe(200)
    expect(session).toMatchObject({ name: 'Ada', cookie: { sameSite: 'lax', httpOnly: true } })
    // express-session computes it from two readings of the clock.
    const { originalMaxAge } = session['cookie'] as { originalMaxAge: number }
    expect(Math.round(originalMaxAge / 1_000)).toBe(1_800)

    const { text } = await ada.request('/logout', {})
    expect(text).toContain('action="/login"')
    expect(text).not.toContain('has ended')
    expect((await ada.session()).status).toBe(401)
  })

  it('ends all other sessions of a user, and tells the browsers why', async () => {
    const [here, phone, tablet] = [await visitor().logIn('Hedy'), await visitor().logIn('Hedy'), await visitor().logIn('Hedy')]
    const other = await visitor().logIn('Hedy Lamarr')
    await here.request('/sessions/end-others', {})
    for (const ended of [phone, tablet]) {
      expect((await ended.session()).status).toBe(401)
      expect((await ended.request('/')).text).toContain('Your session has ended: it was ended from elsewhere')
    }
    expect((await here.session()).status).toBe(200)
    expect((await other.session()).status).toBe(200)
  })

  it('shows the inactivity time-out and the absolute time-out', async () => {
    const ada = await visitor().logIn('Ada')
    const { text } = await ada.request('/')
    expect(text).toMatch(/<span role="timer"[^>]*>(30:00|29:5\d)<\/span>/)
    expect(text).toMatch(/the session ends in <span data-left="\d+">(8:00:00|7:59:\d\d)<\/span>/)
  })

  it('says why a key or a value is refused', async () => {
    const ada = await visitor().logIn('Ada')
    expect((await ada.request('/values', { key: 'cookie', value: 'x' })).text).toContain('belongs to the session itself')
    expect((await ada.request('/values', { key: '-', value: 'x' })).text).toContain('A key has 1 to 40 letters')
    expect((await ada.request('/values', { key: 'a', value: 'x'.repeat(201) })).text).toContain('at most 200 characters')
  })

  it('gives a new id with every login, and ends the session that was there', async () => {
    const ada = await visitor().logIn('Ada')
    const old = ada.cookie
    await ada.logIn('Ada')
    expect(ada.cookie).not.toBe(old)
    const before = visitor()
    before.cookie = old
    expect((await before.session()).status).toBe(401)
  })

  it('refuses a name that is empty, blank or too long', async () => {
    for (const name of ['', '   ', 'x'.repeat(41)]) {
      const nobody = visitor()
      expect((await nobody.request('/login', { name })).status).toBe(400)
      expect((await nobody.session()).status).toBe(401)
    }
  })

  it('changes, adds and removes values', async () => {
    const ada = await visitor().logIn('Ada')
    await ada.request('/values', { key: 'colour', value: 'red' })
    expect((await ada.request('/values', { key: 'colour', value: 'green' })).text).toContain('value="green"')
    expect((await ada.session()).session).toMatchObject({ colour: 'green' })
    await ada.request('/values', { key: 'colour', value: 'green', remove: 'yes' })
    expect((await ada.session()).session).not.toHaveProperty('colour')
  })

  it("leaves the session's own properties alone", async () => {
    const ada = await visitor().logIn('Ada')
    const keys = [
      'cookie',
      'name',
      'since',
      'request01',
      'save',
      'destroy',
      'id',
      'req',
      '__proto__',
      'constructor',
      'toString',
      '',
    ]
    for (const key of keys) expect((await ada.request('/values', { key, value: 'x' })).status).toBe(400)
    const { session } = await ada.session()
    expect(Object.keys(session).sort()).toEqual(['cookie', 'name', 'since'])
    expect(session['name']).toBe('Ada')
  })

  it('escapes whatever it shows', async () => {
    const evil = `"><script>alert('1')</script>&`
    const mallory = await visitor().logIn(evil.slice(0, 40))
    await mallory.request('/values', { key: 'note', value: evil })
    const { text } = await mallory.request('/')
    expect(text).toContain('&#60;script&#62;alert(&#39;1&#39;)')
    expect(text).not.toContain('<script>')
    const { text: wrong } = await mallory.request('/values', { key: evil, value: 'x' })
    expect(wrong).not.toContain('<script>')
    await mallory.request('/logout', {})
  })

  it('loses nothing of 20 requests at once', async () => {
    const ada = await visitor().logIn('Ada')
    const { text } = await ada.request('/parallel', {})
    expect(text).toContain('20 of 20 kept.')
    const others = Number(/MemoryStore kept (\d+) of 20/.exec(text)?.[1])
    expect(others).toBeGreaterThan(0)
    expect(others).toBeLessThan(20)
    await Promise.all(Array.from({ length: 20 }, (_, index) => ada.request(`/parallel/${index + 1}`, {})))
    const { session } = await ada.session()
    const counters = Object.entries(session).filter(([key]) => key.startsWith('request'))
    expect(counters.map(([, count]) => count)).toEqual(Array(20).fill(2))
  })

  it('counts only requests that there are', async () => {
    const ada = await visitor().logIn('Ada')
    for (const number of ['0', '21', '1.5', 'x']) expect((await ada.request(`/parallel/${number}`, {})).status).toBe(404)
  })

  it('shows all who are logged in, gives no id away, and ends a session on demand', async () => {
    const ada = await visitor().logIn('Ada the admin')
    const grace = await visitor().logIn('Grace the guest')
    const { text } = await ada.request('/')
    expect(text).toContain('Ada the admin')
    const row = text.split('<tr').find((part) => part.includes('Grace the guest')) ?? ''
    const sid = sidOf(grace)
    expect(sid).toHaveLength(32)
    expect(text).not.toContain(sid)

    const handle = /name="session" value="(\w+)"/.exec(row)?.[1] ?? ''
    expect((await ada.request('/sessions/end', { session: handle })).text).not.toContain('Grace the guest')
    expect((await grace.session()).status).toBe(401)
    expect((await ada.session()).status).toBe(200)
  })

  it('lets nobody in who is not logged in', async () => {
    for (const [path, form] of [
      ['/values', { key: 'a', value: 'b' }],
      ['/parallel', {}],
      ['/sessions/end', { session: '' }],
    ] as const) {
      expect((await visitor().request(path, form)).status).toBe(401)
    }
    expect((await visitor().request('/live')).text).toContain('action="/login"')
  })

  it('answers nonsense with a page', async () => {
    expect((await visitor().request('/nowhere')).text).toContain('action="/login"')
    const ada = await visitor().logIn('Ada')
    expect((await ada.request('/nowhere')).status).toBe(404)
    expect((await ada.request('/values', { key: 'a', value: 'b'.repeat(20_000) })).status).toBe(413)
  })

  it('changes nothing at the request of another site', async () => {
    const response = await fetch(`${demo.address}/login`, {
      method: 'POST',
      body: new URLSearchParams({ name: 'Ada' }),
      redirect: 'manual',
    })
    expect(response.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  it('has the metrics of the store, without a session and without ids or data', async () => {
    const ada = await visitor().logIn('Ada')
    await ada.request('/parallel', {})
    const nobody = visitor()
    expect((await nobody.request('/')).text).toContain('href="/metrics"')
    const { status, text } = await nobody.request('/metrics')
    expect(status).toBe(200)
    expect(nobody.cookie).toBe('')
    expect(text).toMatch(/^# TYPE session_store_operation_duration histogram$/m)
    expect(metricOf(text, /^session_store_operation_duration_count{.*name="get".*outcome="ok".*}/)).toBeGreaterThan(20)
    expect(metricOf(text, /^session_store_conflicts_total{session_store_backend_name="disk"}/)).toBeGreaterThan(0)
    expect(metricOf(text, /^session_store_session_count/)).toBeGreaterThan(0)
    expect(text).not.toContain('Ada')
    expect(text).not.toContain(sidOf(ada))
  })

  it('keeps the login over kill -9', async () => {
    const ada = await visitor().logIn('Ada')
    await ada.request('/values', { key: 'colour', value: 'green' })
    await demo.program.restart()
    expect((await ada.session()).session).toMatchObject({ name: 'Ada', colour: 'green' })
  })
})

describe('the process', () => {
  it('ends cleanly at SIGTERM, with a page open that waits for news', async () => {
    const other = await startDemo(folder.path, { SESSION_URL: 'memory:' })
    const ada = await new Visitor(other.address).logIn('Ada')
    await new Promise((resolve) => {
      const request = get(`${other.address}/live`, { headers: { cookie: ada.cookie } }, (response) =>
        response.once('data', resolve),
      )
      request.on('error', () => {})
    })
    await other.program.stop('SIGTERM')
    expect(other.program.child?.exitCode).toBe(0)
  })

  it('says what to do when the port is in use, or a setting is no number', async () => {
    const run = (env: Record<string, string>) =>
      promisify(execFile)(process.execPath, [join(import.meta.dirname, '../server.js')], {
        env: { ...process.env, SESSION_URL: 'memory:', ...env },
      })
    const { port } = new URL(demo.address)
    await expect(run({ PORT: port })).rejects.toMatchObject({
      stderr: expect.stringContaining(`the port is in use. Choose another one: PORT=${Number(port) + 1} npm start`),
    })
    await expect(run({ SESSION_MAX_AGE: '30m' })).rejects.toMatchObject({
      stderr: 'SESSION_MAX_AGE must be a number from 1 to 31536000, such as 1800; it is "30m"\n',
    })
  })

  it('tells why it cannot open the storage', async () => {
    mkdirSync(join(folder.path, 'blocked'))
    writeFileSync(join(folder.path, 'blocked/file'), '')
    await expect(startDemo(folder.path, { SESSION_URL: 'disk:./blocked/file' })).rejects.toThrow(/can't be opened.*DATABANK_/s)
    await expect(startDemo(folder.path, { SESSION_URL: 'nosuch://user:secret@host/' })).rejects.toThrow(/DATABANK_UNKNOWN_SCHEME/)
  })
})
