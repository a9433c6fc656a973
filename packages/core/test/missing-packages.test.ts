// How openBank finds the packages of backends, in processes of their own: nothing but Node.js resolves them.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'

const run = promisify(execFile)

const PACKAGES = {
  memory: ['memory'],
  disk: ['disk'],
  sqlite: ['sqlite'],
  redis: ['redis', 'rediss', 'valkey', 'valkeys'],
  postgres: ['postgres', 'postgresql'],
  mysql: ['mysql', 'mariadb'],
  mongodb: ['mongodb', 'mongodb+srv'],
  couchbase: ['couchbase', 'couchbases'],
}
const SCHEMES = Object.entries(PACKAGES).flatMap(([name, schemes]) => schemes.map((scheme) => ({ scheme, name })))

const SERVES = 'exports.openBank = (url) => ({ read: async () => null, save() {}, delete() {}, url })'

let built: Awaited<ReturnType<typeof bundle>>
const folders: string[] = []

beforeAll(async () => {
  built = await bundle({ index: join(import.meta.dirname, '../src/open.ts') })
})
afterAll(() => built.remove())
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })))
})

/**
 * Two folders: `shared`, where connect-databank is installed beside some packages, and `app`, with packages of the application.
 * Each package is given by its code.
 */
async function install({ shared = {}, app = {} }: { shared?: Record<string, string>; app?: Record<string, string> }) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'connect-databank-')))
  folders.push(folder)
  const core = join(folder, 'shared/node_modules/connect-databank')
  await cp(built.folder, core, { recursive: true })
  await writeFile(join(core, 'package.json'), '{"name":"connect-databank","type":"module","exports":"./index.js"}')
  const session = join(import.meta.dirname, '../../../node_modules/express-session')
  await symlink(session, join(folder, 'shared/node_modules/express-session'), 'junction')
  await mkdir(join(folder, 'app'))
  for (const [place, packages] of Object.entries({ shared, app })) {
    for (const [name, code] of Object.entries(packages)) {
      const path = join(folder, place, 'node_modules', name)
      await mkdir(path, { recursive: true })
      await writeFile(join(path, 'package.json'), JSON.stringify({ name, main: 'index.cjs' }))
      await writeFile(join(path, 'index.cjs'), code)
    }
  }
  return folder
}

/** What openBank gives for each URL, in a process in the folder of the application. */
async function openAll(folder: string, urls: readonly string[], ...flags: string[]): Promise<Record<string, unknown>[]> {
  const program = `
    const { openBank } = await import(${JSON.stringify(join(folder, 'shared/node_modules/connect-databank/index.js'))})
    const results = []
    for (const url of ${JSON.stringify(urls)}) {
      results.push(await openBank(url).catch(({ code, message, name }) => ({ code, message, name })))
    }
    console.log(JSON.stringify(results))`
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    cwd: join(folder, 'app'),
  })
  return JSON.parse(stdout)
}

describe('a scheme whose package', () => {
  it('is not installed says what to install, and what to do in a bundle', async () => {
    const folder = await install({})
    const results = await openAll(
      folder,
      SCHEMES.map(({ scheme }) => `${scheme}://localhost`),
    )
    expect(results).toEqual(
      SCHEMES.map(({ scheme, name }) => {
        const text = `@connect-databank/${name}`
        const advice = `In a bundle, or with Yarn Plug'n'Play, pass schemes: { ${scheme}: () => import('${text}') }`
        const message = `${text} is not installed: npm install ${text}. ${advice}`
        return { code: 'DATABANK_MISSING_PACKAGE', message, name: 'DatabankError' }
      }),
    )
  })

  it('is installed is served by it, valkey: and valkeys: by that of Redis', async () => {
    const code = Object.fromEntries(Object.keys(PACKAGES).map((name) => [`@connect-databank/${name}`, SERVES]))
    const folder = await install({ shared: code })
    const urls = SCHEMES.map(({ scheme }) => `${scheme}://localhost`)
    expect((await openAll(folder, urls)).map(({ url }) => url)).toEqual(urls)
  })

  it('only the application can see is served by it', async () => {
    const folder = await install({ app: { '@connect-databank/redis': SERVES } })
    expect(await openAll(folder, ['valkeys://localhost'])).toEqual([{ url: 'valkeys://localhost' }])
  })

  it('lacks a package that it needs itself rejects with that error', async () => {
    for (const place of ['shared', 'app']) {
      const folder = await install({ [place]: { '@connect-databank/redis': "require('ioredis')" } })
      const [result] = await openAll(folder, ['redis://localhost'])
      expect(result).toMatchObject({ code: 'MODULE_NOT_FOUND', message: expect.stringContaining("Cannot find module 'ioredis'") })
    }
  })

  it('fails when it is loaded rejects with that error', async () => {
    const folder = await install({ shared: { '@connect-databank/redis': 'throw new RangeError("no such option")' } })
    expect(await openAll(folder, ['redis://localhost'])).toEqual([{ name: 'RangeError', message: 'no such option' }])
  })

  it('Yarn Plug’n’Play hides says what to do', async () => {
    const folder = await install({ shared: { '@connect-databank/redis': SERVES } })
    // As Yarn's resolver answers, for require and for import.
    const hooks = `
      const hidden = (name) => Object.assign(
        new Error('connect-databank tried to access ' + name + ", but it isn't declared in its dependencies"),
        { code: 'MODULE_NOT_FOUND', pnpCode: 'UNDECLARED_DEPENDENCY' })
      export const resolve = (name, context, next) => {
        if (name.startsWith('@connect-databank/')) throw hidden(name)
        return next(name, context)
      }`
    const preload = `
      import Module, { register } from 'node:module'
      register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})
      const { _resolveFilename } = Module
      Module._resolveFilename = function (name, ...rest) {
        if (name.startsWith('@connect-databank/')) {
          throw Object.assign(new Error('app tried to access ' + name), { code: 'MODULE_NOT_FOUND', pnpCode: 'UNDECLARED_DEPENDENCY' })
        }
        return _resolveFilename.call(this, name, ...rest)
      }`
    const [result] = await openAll(folder, ['redis://localhost'], `--import=data:text/javascript,${encodeURIComponent(preload)}`)
    expect(result).toMatchObject({
      code: 'DATABANK_MISSING_PACKAGE',
      message: expect.stringContaining("pass schemes: { redis: () => import('@connect-databank/redis') }"),
    })
  })
})
