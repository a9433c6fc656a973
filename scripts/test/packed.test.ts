// The packages as they are published: what the tarballs hold, and whether a user's project can use it in every way.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { root } from '../command.js'
import { execute, installed } from './outside.ts'

const outside = inject('outside')
beforeAll(() => installed(outside))
const packages = inject('packages')
const backends = packages.filter(({ name }) => !['connect-databank', '@connect-databank/conformance'].includes(name))

/** Writes a program into the project outside and runs it: it must end by itself, without a complaint. */
async function runProgram(name: string, text: string): Promise<string> {
  await writeFile(join(outside, name), text)
  const { code, stdout, stderr } = await execute(process.execPath, [name], outside)
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe.each(packages)('$name, packed', ({ name, tarball, files, manifest }) => {
  it('holds what it needs and nothing else', () => {
    for (const needed of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'])
      expect(files).toContain(needed)
    const foreign = files.filter((path) => !/^(package\.json|README\.md|LICENSE|dist\/[\w/-]+(\.js|\.d\.ts))$/.test(path))
    expect(foreign).toEqual([])
  })

  it('says only what a manifest must', () => {
    const known = `name version description keywords license repository type exports types files sideEffects engines
      dependencies peerDependencies peerDependenciesMeta scripts`.split(/\s+/)
    expect(Object.keys(manifest).filter((key) => !known.includes(key))).toEqual([])
    expect(manifest).toMatchObject({ license: 'Apache-2.0', type: 'module', engines: { node: '^20.19.0 || >=22.12.0' } })
  })

  it('is clean to publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(outside, 'node_modules', name), pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('is clean to arethetypeswrong', async () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const args = [
      attw,
      tarball,
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--no-emoji',
      '--no-color',
      '--format',
      'ascii',
    ]
    const { code, stdout, stderr } = await execute(process.execPath, args, outside)
    expect(code, stdout + stderr).toBe(0)
  })

  it('gives the same to import and to require', async () => {
    const file = `exports-of-${name.replace(/\W+/g, '-')}.mjs`
    const said = await runProgram(
      file,
      `import { createRequire } from 'node:module'
       const required = createRequire(import.meta.url)('${name}')
       const { default: byDefault, 'module.exports': forCommonJs, ...imported } = await import('${name}')
       const different = Object.keys(imported).filter((key) => imported[key] !== required[key])
       console.log(JSON.stringify({ count: Object.keys(imported).length, different }))`,
    )
    expect(JSON.parse(said)).toMatchObject({ different: [] })
    expect(JSON.parse(said).count).toBeGreaterThan(0)
  })
})

it('has no runtime dependency in its core', () => {
  const core = packages.find(({ name }) => name === 'connect-databank')
  expect(core?.manifest).not.toHaveProperty('dependencies')
})

it.each(backends)('$name exports its store, its bank, and what a URL opens', async ({ name }) => {
  const said = await runProgram('exports.mjs', `console.log(JSON.stringify(Object.keys(await import('${name}'))))`)
  expect(JSON.parse(said)).toEqual(
    expect.arrayContaining([expect.stringMatching(/Store$/), expect.stringMatching(/Bank$/), 'openBank']),
  )
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

  it('runs as a module', async () => {
    const said = await runProgram(
      'application.mjs',
      `import express from 'express'
       import session from 'express-session'
       import { openStore } from 'connect-databank'
       const store = await openStore('disk:./sessions-of-application')
       ${body}`,
    )
    expect(said).toBe('1 2')
  })

  it('runs as CommonJS, with the call of 1.x', async () => {
    const said = await runProgram(
      'application.cjs',
      `const express = require('express')
       const session = require('express-session')
       const DatabankStore = require('connect-databank')(session)
       const { MemoryBank } = require('@connect-databank/memory')
       const store = new DatabankStore({ bank: new MemoryBank() })
       if (!(store instanceof session.Store)) throw new Error('no store of express-session')
       ${body}`,
    )
    expect(said).toBe('1 2')
  })
})

describe('a TypeScript application', () => {
  const stores = backends.map(({ name }) => {
    const backend = name.split('/')[1] ?? ''
    return `import * as ${backend} from '${name}'`
  })
  const source = `
    import express from 'express'
    import session from 'express-session'
    import { type Bank, DatabankError, DatabankStore, type Entry, openStore } from 'connect-databank'
    import { MemoryBank, MemoryStore } from '@connect-databank/memory'
    ${stores.join('\n')}
    import * as suite from '@connect-databank/conformance'

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
    const stores: session.Store[] = [
      new DatabankStore({ bank: own }),
      new DatabankStore({ bank: new MemoryBank(), ttl: 1000 }),
      new MemoryStore({ maxEntries: 10, touchAfter: 1000 }),
      await openStore('memory:'),
    ]
    const app = express()
    for (const store of stores) app.use(session({ store, secret: 's', resave: false, saveUninitialized: false }))
    app.get('/', (request, response) => { response.send(request.session.name) })
    const error: Error = new DatabankError('DATABANK_TIMEOUT', 'late')
    // @ts-expect-error a bank without its three methods is none
    new DatabankStore({ bank: {} })
    // @ts-expect-error no such option
    new MemoryStore({ maxEntrys: 10 })
    export { error, suite, ${backends.map(({ name }) => name.split('/')[1]).join(', ')} }
  `
  const commonJs = `
    import session = require('express-session')
    import connectDatabank = require('connect-databank')
    const Store = connectDatabank(session)
    const store: session.Store = new Store({ bank: { async read() { return null }, async save() {}, async delete() { return false } } })
    const error: Error = new connectDatabank.DatabankError('DATABANK_TIMEOUT', 'late')
    export = { store, error }
  `
  const compilers = {
    'TypeScript 5.9': 'node_modules/typescript/bin/tsc',
    'this TypeScript': join(root, 'node_modules/typescript/bin/tsc'),
  }
  const resolutions = [
    { resolution: 'nodenext', module: 'nodenext', files: ['consumer.mts', 'consumer.cts'] },
    { resolution: 'bundler', module: 'esnext', files: ['consumer.mts'] },
  ]
  const cases = Object.entries(compilers).flatMap(([compiler, path]) => resolutions.map((each) => ({ ...each, compiler, path })))

  it.each(cases)('compiles under $resolution with $compiler', async ({ resolution, module, files, path, compiler }) => {
    await writeFile(join(outside, 'consumer.mts'), source)
    await writeFile(join(outside, 'consumer.cts'), commonJs)
    const config = `tsconfig.${resolution}.${compiler.replace(/\W/g, '')}.json`
    const compilerOptions = {
      module,
      moduleResolution: resolution,
      target: 'es2022',
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    }
    await writeFile(join(outside, config), JSON.stringify({ compilerOptions, files }))
    const { code, stdout } = await execute(process.execPath, [path, '-p', config], outside)
    expect(code, stdout).toBe(0)
  })
})
