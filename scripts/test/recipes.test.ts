// Runs the examples of docs/recipes.md as printed, with the packed packages and the packages that the examples are about.
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, expect, inject, it } from 'vitest'
import { freePort, isListening, Program, until } from '../../testing/program.js'
import { root } from '../command.js'
import { execute, installed } from './outside.ts'

const companions = ['passport@0.7.0', 'passport-local@1.0.0']

/** The project of the recipes, beside the project outside: the tests of Jest there must not find the recipe for Jest. */
const folder = join(dirname(inject('outside')), 'recipes')

beforeAll(async () => {
  await installed(inject('outside'))
  await mkdir(folder, { recursive: true })
  // Node.js looks for packages in the parent folder too.
  const shared = join(dirname(folder), 'node_modules')
  await rm(shared, { force: true })
  await symlink(join(inject('outside'), 'node_modules'), shared, 'junction')
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'recipes', version: '1.0.0', private: true }))
  for (const [name, text] of await recipes()) await writeFile(join(folder, name), text)
  const install = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...companions]
  const { code, stdout, stderr } = await execute('npm', install, folder)
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

/** Sends SIGTERM, and waits until the program has ended by itself, without an error. */
async function end(program: Program): Promise<void> {
  const { child } = program
  child?.kill('SIGTERM')
  await until(() => child?.exitCode !== null || child.signalCode !== null, `the recipe to end: ${program.output}`)
  expect(program.output).not.toMatch(/^\s*\w*Error\b/m)
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
    this.cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.cookie
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
