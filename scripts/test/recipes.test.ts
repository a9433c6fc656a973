// Runs the examples of docs/recipes.md as printed, with the packed packages and the packages that the examples are about.
import { once } from 'node:events'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, expect, inject, it } from 'vitest'
import { freePort, isListening, Program, until } from '../../testing/program.js'
import { root } from '../command.js'
import { execute, installed } from './outside.ts'

const companions = [
  'passport@0.7.0',
  'passport-local@1.0.0',
  'socket.io@4.8.4',
  'socket.io-client@4.8.4',
  '@nestjs/common@11.2.10',
  '@nestjs/core@11.2.10',
  '@nestjs/platform-express@11.2.10',
  'reflect-metadata@0.2.2',
  'rxjs@7.8.2',
  'fastify@5.12.8',
  '@fastify/cookie@11.1.5',
  '@fastify/session@11.1.3',
  'koa@3.3.0',
  'koa-session@7.0.2',
]

/** The project of the recipes, beside the project outside: the tests of Jest there must not find the recipe for Jest. */
const folder = join(dirname(inject('outside')), 'recipes')

beforeAll(async () => {
  await rm(join(folder, 'sessions'), { recursive: true, force: true })
  await mkdir(join(folder, 'sessions'), { recursive: true })
  // Node.js looks for packages in the parent folder too.
  const shared = join(dirname(folder), 'node_modules')
  await rm(shared, { force: true })
  await symlink(join(inject('outside'), 'node_modules'), shared, 'junction')
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'recipes', version: '1.0.0', private: true }))
  for (const [name, text] of await recipes()) await writeFile(join(folder, name), text)
  const install = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...companions]
  const [{ code, stdout, stderr }] = await Promise.all([execute('npm', install, folder), installed(inject('outside'))])
  expect(code, stdout + stderr).toBe(0)
})

/** The examples of the page, by the file name in their first line. */
async function recipes(): Promise<[name: string, text: string][]> {
  const page = await readFile(join(root, 'docs/recipes.md'), 'utf8')
  return [...page.matchAll(/^```(?:js|ts)\n\/\/ ([\w.-]+)\n(.*?)^```$/gms)].map(([, name = '', text = '']) => [name, text])
}

const programs: Program[] = []
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop()
})

/** Runs a recipe until it listens. */
async function start(file: string, env: Record<string, string> = {}): Promise<{ url: string; program: Program }> {
  const port = await freePort()
  const program = new Program({
    command: process.execPath,
    args: [file],
    cwd: folder,
    env: { ...env, PORT: String(port) },
    ready: () => isListening(port),
  })
  programs.push(program)
  await program.start()
  return { url: `http://127.0.0.1:${port}`, program }
}

/** Sends SIGTERM, and waits until the program has ended, without an error: by itself, or by the signal that it then sends itself. */
async function end(program: Program, signal: 'SIGTERM' | null = null): Promise<void> {
  const { child } = program
  child?.kill('SIGTERM')
  await until(() => child?.exitCode !== null || child.signalCode !== null, `the recipe to end: ${program.output}`)
  expect(program.output).not.toMatch(/^\s*\w*Error\b/m)
  expect(child?.signalCode).toBe(signal)
}

/** A browser: keeps the cookies that it is sent. */
class Browser {
  cookie = ''
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async send(method: string, path: string, body?: object, url = this.url): Promise<Response> {
    const headers = { 'content-type': 'application/json', connection: 'close', ...(this.cookie && { cookie: this.cookie }) }
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
    if (cookies.length > 0) this.cookie = cookies.join('; ')
    return response
  }

  async json(path: string, url = this.url): Promise<unknown> {
    return (await this.send('GET', path, undefined, url)).json()
  }
}

it('Passport: a login gets a new session id and keeps the cart, and the user can log out everywhere else', async () => {
  const { url, program } = await start('passport.mjs')
  const [here, there, old] = [new Browser(url), new Browser(url), new Browser(url)]
  await here.send('POST', '/cart', { item: 'tea' })
  old.cookie = here.cookie
  for (const browser of [here, there]) {
    const login = await browser.send('POST', '/login', { username: 'ada', password: 'analytical' })
    expect(login.status).toBe(204)
  }
  expect(here.cookie).not.toBe(old.cookie)
  expect(await old.json('/')).toEqual({ user: null, cart: [] })
  expect(await here.json('/')).toEqual({ user: 'ada', cart: ['tea'] })

  expect(await (await here.send('POST', '/logout-elsewhere')).json()).toEqual({ ended: 1 })
  expect(await there.json('/')).toMatchObject({ user: null })
  expect(await here.json('/')).toMatchObject({ user: 'ada' })
  await here.send('POST', '/logout')
  expect(await here.json('/')).toMatchObject({ user: null })
  await end(program)
})

it('Socket.IO: sockets and requests change one session, read it fresh, and end with it', async () => {
  const { url, program } = await start('socket-io.mjs')
  const { io } = createRequire(join(folder, 'package.json'))('socket.io-client')
  const anonymous = io(url, { forceNew: true })
  const [refusal] = await once(anonymous, 'connect_error')
  anonymous.close()
  expect(refusal).toMatchObject({ message: 'log in first' })

  const browser = new Browser(url)
  await browser.send('POST', '/login')
  const sockets = [0, 1].map(() => io(url, { forceNew: true, extraHeaders: { cookie: browser.cookie } }))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const messages = Array.from({ length: 10 }, (_, index) => `message ${index}`)
  const added = messages.map((message, index) => sockets[index % 2].emitWithAck('add', message))
  await Promise.all([...added, browser.send('POST', '/color')])
  expect(await Promise.all(added)).toEqual(messages.map(() => ({ isStored: true })))
  const read = await sockets[0].emitWithAck('read')
  expect(read).toMatchObject({ user: 'ada', color: 'green' })
  expect(read.messages.sort()).toEqual(messages)

  const disconnected = Promise.all(sockets.map((socket) => once(socket, 'disconnect')))
  await browser.send('POST', '/logout')
  await disconnected
  await end(program)
})

it('NestJS: the store is injected, and closed after SIGTERM', async () => {
  const tsc = join(inject('outside'), 'node_modules/typescript/bin/tsc')
  const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--skipLibCheck', '--experimentalDecorators']
  const { code, stdout } = await execute(process.execPath, [tsc, ...options, 'nest.ts'], folder)
  expect(code, stdout).toBe(0)
  const { url, program } = await start('nest.js')
  const browser = new Browser(url)
  expect(await browser.json('/')).toEqual({ visits: 1 })
  expect(await browser.json('/')).toEqual({ visits: 2 })
  await end(program, 'SIGTERM')
  expect(program.output).toContain('the session store is closed')
})

it('Jest: the tests pass, and Jest ends by itself', async () => {
  const jest = join(inject('outside'), 'node_modules/jest/bin/jest.js')
  const { code, stderr } = await execute(process.execPath, [jest, '--ci', '--testTimeout=30000', 'app.test.js'], folder)
  expect(code, stderr).toBe(0)
  expect(stderr).toMatch(/2 passed/)
  expect(stderr).not.toMatch(/did not exit/)
})

/** The processes that answer parallel requests, each on a connection of its own. */
async function processesOf(url: string): Promise<Set<number>> {
  const browser = new Browser(url)
  await browser.send('POST', '/login')
  const posts = Array.from({ length: 4 }, async () => (await browser.send('POST', '/downloads')).json())
  return new Set((await Promise.all(posts)).map((answer) => (answer as { process: number }).process))
}

it('several processes: no increment of parallel requests is lost', async () => {
  const { url, program } = await start('cluster.mjs', { SESSION_URL: 'disk:./sessions/cluster' })
  await until(async () => (await processesOf(url)).size === 2, 'both processes to answer')
  const browser = new Browser(url)
  await browser.send('POST', '/login')
  const posts = Array.from({ length: 20 }, async () => (await browser.send('POST', '/downloads')).json())
  const answers = (await Promise.all(posts)) as { process: number; downloads: number }[]
  const ascending = answers.map(({ downloads }) => downloads).sort((a, b) => a - b)
  expect(ascending).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(new Set(answers.map(({ process }) => process)).size).toBe(2)
  expect(await browser.json('/downloads')).toEqual({ downloads: 20 })
  expect((await new Browser(url).send('POST', '/downloads')).status).toBe(401)
  await end(program)
})

it('serverless functions: instances share the sessions', async () => {
  await writeFile(join(folder, 'serve.mjs'), "import app from './serverless.mjs'\napp.listen(process.env.PORT)\n")
  const env = { SESSION_URL: 'disk:./sessions/functions' }
  const [one, other] = await Promise.all([start('serve.mjs', env), start('serve.mjs', env)])
  const browser = new Browser(one.url)
  expect(await browser.json('/')).toEqual({ visits: 1 })
  expect(await browser.json('/', other.url)).toEqual({ visits: 2 })
})

it('health check: 200 while the database answers, 503 with the code when it fails', async () => {
  const { url, program } = await start('health.mjs', { SESSION_URL: 'disk:./sessions/health' })
  const ready = await fetch(`${url}/ready`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({ backend: 'disk', latency: expect.any(Number) })
  await rm(join(folder, 'sessions/health'), { recursive: true, force: true })
  await writeFile(join(folder, 'sessions/health'), 'not a folder')
  const failed = await fetch(`${url}/ready`)
  expect(failed.status).toBe(503)
  expect(await failed.json()).toEqual({ code: expect.stringMatching(/^DATABANK_/) })
  await end(program)
})

it('devices: a user lists and ends own sessions only, and logs out everywhere', async () => {
  const { url, program } = await start('devices.mjs')
  const [phone, laptop, stranger] = [new Browser(url), new Browser(url), new Browser(url)]
  expect((await phone.send('GET', '/devices')).status).toBe(401)
  for (const browser of [phone, laptop]) await browser.send('POST', '/login', { user: 'ada' })
  await stranger.send('POST', '/login', { user: 'charles' })
  const devices = (await phone.json('/devices')) as { device: string; isThis: boolean }[]
  expect(devices.map(({ isThis }) => isThis).sort()).toEqual([false, true])
  const other = devices.find(({ isThis }) => !isThis)?.device

  expect((await stranger.send('DELETE', `/devices/${other}`)).status).toBe(404)
  expect((await laptop.send('GET', '/devices')).status).toBe(200)
  expect((await phone.send('DELETE', `/devices/${other}`)).status).toBe(204)
  expect((await laptop.send('GET', '/devices')).status).toBe(401)

  await laptop.send('POST', '/login', { user: 'ada' })
  expect(await (await laptop.send('POST', '/logout-everywhere')).json()).toEqual({ ended: 2 })
  expect((await phone.send('GET', '/devices')).status).toBe(401)
  expect((await laptop.send('GET', '/devices')).status).toBe(401)
  expect((await stranger.send('GET', '/devices')).status).toBe(200)
  await end(program)
})

it('moving sessions: the application continues all of them on the other backend', async () => {
  const env = { FROM: 'disk:./sessions/before', TO: 'disk:./sessions/after' }
  const before = await start('serve.mjs', { SESSION_URL: env.FROM })
  const browsers = [0, 1, 2].map(() => new Browser(before.url))
  // The body ends when the session is stored.
  for (const browser of browsers) expect(await browser.json('/')).toEqual({ visits: 1 })
  await before.program.stop('SIGTERM')
  const { code, stdout, stderr } = await execute(process.execPath, ['move.mjs'], folder, env)
  expect(code, stderr).toBe(0)
  expect(stdout).toBe('3 sessions moved\n')
  const after = await start('serve.mjs', { SESSION_URL: env.TO })
  for (const browser of browsers) expect(await browser.json('/', after.url)).toEqual({ visits: 2 })
})

it('Fastify: sessions last, parallel updates are kept, and a logout ends the session', async () => {
  const { url, program } = await start('fastify.mjs')
  const browser = new Browser(url)
  // Fastify refuses an empty body that says it is JSON.
  const post = (path: string) => browser.send('POST', path, {})
  expect((await post('/login')).status).toBe(204)
  await Promise.all(Array.from({ length: 10 }, () => post('/downloads')))
  expect(await browser.json('/')).toEqual({ user: 'ada', downloads: 10 })
  const old = browser.cookie
  await post('/logout')
  browser.cookie = old
  expect(await browser.json('/')).toEqual({ user: null, downloads: 0 })
  await end(program)
})

it('Koa: sessions last until the logout', async () => {
  const { url, program } = await start('koa.mjs')
  const browser = new Browser(url)
  expect(await browser.json('/')).toEqual({ visits: 1 })
  expect(await browser.json('/')).toEqual({ visits: 2 })
  const old = browser.cookie
  await browser.send('GET', '/logout')
  browser.cookie = old
  expect(await browser.json('/')).toEqual({ visits: 1 })
  await end(program)
})
