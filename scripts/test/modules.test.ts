// The packed packages load in every way that users load packages: require, import, TypeScript, esbuild, Jest.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { backends } from '../../testing/backends.js'
import { root } from '../command.js'
import { execute, installed } from './outside.ts'

const outside = inject('outside')
beforeAll(() => installed(outside))
const packages = inject('packages')
const backendNames = backends.map(({ name }) => `@connect-databank/${name}`)

/** All packages and their subpaths. */
const specifiers = packages.flatMap(({ name, manifest }) =>
  Object.keys(manifest['exports'] as object)
    .filter((path) => path !== './package.json')
    .map((path) => `${name}${path.slice(1)}`),
)

/** Writes a program into the project outside and runs it. It must end by itself and print no error. */
async function runProgram(file: string, text: string): Promise<string> {
  await writeFile(join(outside, file), text)
  const { code, stdout, stderr } = await execute(process.execPath, [file], outside)
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe('every package', () => {
  /** What each specifier gives. All are loaded by one process, which must end by itself. */
  let loaded: Record<string, { names: string[]; different: string[] }>
  beforeAll(async () => {
    const said = await runProgram(
      'exports.mjs',
      `import { createRequire } from 'node:module'
       const require = createRequire(import.meta.url)
       const loaded = {}
       for (const specifier of ${JSON.stringify(specifiers)}) {
         const [required, imported] = [require(specifier), await import(specifier)]
         const names = Object.keys(required).filter((key) => key !== 'default')
         loaded[specifier] = { names, different: names.filter((key) => imported[key] !== required[key]) }
       }
       console.log(JSON.stringify(loaded))`,
    )
    loaded = JSON.parse(said)
  })

  it.each(specifiers)('%s gives the same to import and to require', (specifier) => {
    expect(loaded[specifier]?.different).toEqual([])
    expect(loaded[specifier]?.names).not.toEqual([])
  })

  it.each(backendNames)('%s exports its store, its bank, and what a URL opens', (name) => {
    expect(loaded[name]?.names).toEqual(
      expect.arrayContaining([expect.stringMatching(/Store$/), expect.stringMatching(/Bank$/), 'openBank']),
    )
  })
})

describe('an application', () => {
  const body = `
    const app = express()
    app.use(session({ store, secret: 'secret', resave: false, saveUninitialized: false }))
    app.get('/', (request, response) => {
      request.session.views = (request.session.views ?? 0) + 1
      response.send(String(request.session.views))
    })
    const server = app.listen(0, '127.0.0.1', async () => {
      const address = 'http://127.0.0.1:' + server.address().port
      const first = await fetch(address)
      const cookie = first.headers.get('set-cookie').split(';')[0]
      const second = await fetch(address, { headers: { cookie } })
      console.log(await first.text(), await second.text())
      server.close(() => store.close())
      server.closeAllConnections()
    })`

  it('runs as an ES module', async () => {
    const text = `
      import express from 'express'
      import session from 'express-session'
      import { openStore } from 'connect-databank'
      const store = await openStore('disk:./sessions-of-application')
      ${body}`
    expect(await runProgram('application.mjs', text)).toBe('1 2')
  })

  it('runs as CommonJS, with the call of 1.x', async () => {
    const text = `
      const express = require('express')
      const session = require('express-session')
      const DatabankStore = require('connect-databank')(session)
      const { MemoryBank } = require('@connect-databank/memory')
      const store = new DatabankStore({ bank: new MemoryBank() })
      if (!(store instanceof session.Store)) throw new Error('no store of express-session')
      ${body}`
    expect(await runProgram('application.cjs', text)).toBe('1 2')
  })

  it.each(['cjs', 'esm'])('runs when esbuild has bundled it (%s)', async (format) => {
    const text = `
      import express from 'express'
      import session from 'express-session'
      import { openStore } from 'connect-databank'
      const schemes = { memory: () => import('@connect-databank/memory') }
      openStore('memory:', { schemes }).then((store) => {
        ${body}
      })`
    await writeFile(join(outside, 'to-bundle.mjs'), text)
    const [file, require] = [
      `bundled-${format}.${format === 'cjs' ? 'cjs' : 'mjs'}`,
      `import{createRequire}from'module';const require=createRequire(import.meta.url);`,
    ]
    const banner = format === 'cjs' ? [] : [`--banner:js=${require}`]
    const args = ['to-bundle.mjs', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`, ...banner]
    const { code, stderr } = await execute(join(outside, 'node_modules/.bin/esbuild'), args, outside)
    expect(code, stderr).toBe(0)
    const { stdout, ...ended } = await execute(process.execPath, [file], outside)
    expect({ ...ended, stdout: stdout.trim() }).toEqual({ code: 0, stderr: '', stdout: '1 2' })
  })
})

describe('Jest in its default configuration', () => {
  it('loads every package, and opens stores by URL', async () => {
    const text = `
      const session = require('express-session')
      const databankStore = require('connect-databank')
      test.each(${JSON.stringify(specifiers)})('%s loads', (specifier) => {
        expect(Object.keys(require(specifier)).length).toBeGreaterThan(0)
      })
      test('the call of 1.x', () => {
        const Store = databankStore(session)
        expect(new Store({ bank: new (require('@connect-databank/memory').MemoryBank)() })).toBeInstanceOf(session.Store)
      })
      test.each(['memory:', 'disk:./sessions-of-jest'])('%s', async (url) => {
        const store = await databankStore.openStore(url)
        const saved = { cookie: { originalMaxAge: null, expires: null }, name: 'Ada' }
        await new Promise((resolve, reject) => store.set('sid', saved, (error) => (error ? reject(error) : resolve())))
        expect((await store.get('sid')).name).toBe('Ada')
        await store.close()
      })`
    await writeFile(join(outside, 'packages.test.js'), text)
    const jest = join(outside, 'node_modules/jest/bin/jest.js')
    const { code, stdout, stderr } = await execute(process.execPath, [jest, '--ci'], outside)
    expect(code, stdout + stderr).toBe(0)
  })
})

describe('a TypeScript application', () => {
  const namespaces = specifiers.map((specifier, index) => `import * as module${index} from '${specifier}'`)
  const source = `
    import express from 'express'
    import session from 'express-session'
    import { type Bank, DatabankError, DatabankStore, type Entry, openStore } from 'connect-databank'
    import { type BankContext, DEFAULT_CONTEXT, extend } from 'connect-databank/backend'
    import { MemoryBank, MemoryStore } from '@connect-databank/memory'
    ${namespaces.join('\n')}

    declare module 'express-session' {
      interface SessionData {
        name: string
      }
    }

    const own: Bank = {
      async read(): Promise<Entry | null> { return { payload: '{}', expires: null } },
      async save() {},
      async delete() { return false },
    }
    const context: BankContext = DEFAULT_CONTEXT
    const stores: session.Store[] = [
      new DatabankStore({ bank: own }),
      new DatabankStore({ bank: extend(new MemoryBank(), {}), ttl: 1000 }),
      new MemoryStore({ maxEntries: 10, touchAfter: 1000 }),
    ]
    openStore('memory:').then((store) => stores.push(store))
    const app = express()
    for (const store of stores) app.use(session({ store, secret: 's', resave: false, saveUninitialized: false }))
    app.get('/', (request, response) => { response.send(request.session.name) })
    const error: Error = new DatabankError('DATABANK_TIMEOUT', 'late')
    // @ts-expect-error the three methods are missing
    new DatabankStore({ bank: {} })
    // @ts-expect-error no such option
    new MemoryStore({ maxEntrys: 10 })
    export { context, error, ${namespaces.map((_, index) => `module${index}`).join(', ')} }
  `
  const byDefault = `
    import session from 'express-session'
    import databankStore from 'connect-databank'
    const Store = databankStore(session)
    export const store: session.Store = new Store({ bank: { async read() { return null }, async save() {}, async delete() { return false } } })
  `
  const commonJs = `
    import session = require('express-session')
    import databankStore = require('connect-databank')
    const Store = databankStore(session)
    const bank: databankStore.Bank = { async read() { return null }, async save() {}, async delete() { return false } }
    const store: session.Store = new Store({ bank })
    const other = new databankStore.DatabankStore({ bank })
    const error: Error = new databankStore.DatabankError('DATABANK_TIMEOUT', 'late')
    export = { store, other, error }
  `
  const javaScript = `
    // @ts-check
    const session = require('express-session')
    const DatabankStore = require('connect-databank')(session)
    const { MemoryBank } = require('@connect-databank/memory')
    const store = new DatabankStore({ bank: new MemoryBank() })
    // @ts-expect-error the three methods are missing
    new DatabankStore({ bank: {} })
    module.exports = { store }
  `
  const files = {
    'consumer.mts': source,
    'consumer.ts': source,
    'by-default.mts': byDefault,
    'by-default.ts': byDefault,
    'consumer.cts': commonJs,
    'consumer.cjs': javaScript,
  }
  const compilers = {
    'TypeScript 5.0': 'node_modules/typescript-5.0/bin/tsc',
    'TypeScript 5.9': 'node_modules/typescript/bin/tsc',
    'this TypeScript': join(root, 'node_modules/typescript/bin/tsc'),
  }
  /** Each compiler once or twice, each resolution once: to 5.0 nodenext is node16, and the newest has no node10. */
  const left: Readonly<Record<string, RegExp>> = {
    'TypeScript 5.0': /^(nodenext|bundler)/,
    'TypeScript 5.9': /^(?!nodenext)/,
    'this TypeScript': /^node1/,
  }
  const esm = ['consumer.mts', 'by-default.mts']
  const cjs = ['consumer.cts', 'consumer.cjs']
  const resolutions = {
    node16: { module: 'node16', files: [...esm, ...cjs] },
    nodenext: { module: 'nodenext', files: [...esm, ...cjs] },
    bundler: { module: 'esnext', files: ['consumer.ts', 'by-default.ts'] },
    node10: { module: 'commonjs', files: ['consumer.ts', 'by-default.ts', 'consumer.cjs'], esModuleInterop: true },
    'node10 without esModuleInterop': { module: 'commonjs', files: cjs, esModuleInterop: false },
  }
  const cases = Object.entries(compilers).flatMap(([compiler, path]) =>
    Object.entries(resolutions)
      .filter(([resolution]) => !left[compiler]?.test(resolution))
      .map(([resolution, { files: compiled, ...options }]) => ({ compiler, path, resolution, compiled, options })),
  )

  it.each(cases)('compiles under $resolution with $compiler', async ({ compiler, path, resolution, compiled, options }) => {
    for (const [file, text] of Object.entries(files)) await writeFile(join(outside, file), text)
    const config = `tsconfig.${`${resolution}.${compiler}`.replace(/\W/g, '')}.json`
    const compilerOptions = {
      ...options,
      moduleResolution: resolution.split(' ')[0],
      target: 'es2022',
      types: ['node'],
      strict: true,
      noEmit: true,
      allowJs: true,
      checkJs: true,
      // The types of some clients need a newer TypeScript than 5.0.
      skipLibCheck: compiler === 'TypeScript 5.0',
    }
    await writeFile(join(outside, config), JSON.stringify({ compilerOptions, files: compiled }))
    const { code, stdout } = await execute(process.execPath, [path, '-p', config], outside)
    expect(code, stdout).toBe(0)
  })
})

it('every package is built by tsc -b', async () => {
  const { references } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'))
  const built = references.map(({ path }: { path: string }) => path.replace('packages/', ''))
  expect(built.sort()).toEqual((await readdir(join(root, 'packages'))).sort())
})
