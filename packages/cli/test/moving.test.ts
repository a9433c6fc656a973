// The commands move and doctor: arguments, output and exit codes. What they do is tested beside their sources.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { ReferenceBank, type Table } from '@connect-databank/conformance'
import { type Bank, DatabankStore, openStore } from 'connect-databank'
import { type Entry, extend, readRecord } from 'connect-databank/backend'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'
import { configFile, idOf, inMemory, MINUTE, ownerOf, Run, run, sessionData } from './support.ts'

const OLD = 'a'.repeat(64)
const NEWEST = 'b'.repeat(64)

/** Two places, and the arguments of `move` that name them. */
function places({
  from = {},
  to = {},
  layer = (bank) => bank,
  sourceLayer = (bank) => bank,
  source = new Map(),
  target = new Map(),
}: {
  from?: object
  to?: object
  layer?: (bank: Bank) => Bank
  sourceLayer?: (bank: Bank) => Bank
  source?: Table
  target?: Table
} = {}) {
  const fileOf = (table: Table, config: object, wrap: (bank: Bank) => Bank) =>
    configFile({ ...config, schemes: { test: async () => ({ openBank: () => wrap(new ReferenceBank(table)) }) } })
  const files = ['--from-config', fileOf(source, from, sourceLayer), '--to-config', fileOf(target, to, layer)]
  const storeOn = (table: Table, config: object = {}) =>
    new DatabankStore({ bank: new ReferenceBank(table), owner: ownerOf, cleanupInterval: null, ...config })
  return { args: ['test:', 'test:', ...files], source, target, storeOn }
}

describe('move', () => {
  it('copies, says what it did, and is repeated', async () => {
    const { args, target, source, storeOn } = places()
    for (const n of [1, 2, 3]) await storeOn(source).set(idOf(String(n)), sessionData({ user: 'ada', n }))
    expect(await run(['move', ...args])).toMatchObject({
      code: 0,
      out: '',
      err: 'from test: to test:\n3 sessions copied\nsource and target are equal\n',
    })
    expect(await storeOn(target).get(idOf('2'))).toMatchObject({ n: 2 })
    expect((await run(['move', ...args])).err).toContain('0 sessions copied, 3 there already\n')
    expect((await run(['move', ...args, '--delete'])).err).toContain('3 deleted from the source')
    expect(source.size).toBe(0)
  })

  it('names both places without user and password', async () => {
    const { args } = places()
    const urls = ['test://ada:geheim@host/one?password=geheim', 'test://ada:ge/h@im@host/two']
    expect((await run(['move', ...urls, ...args.slice(2)])).err).toMatch(/^from test:\/\/host\/one to test:\/\/host\/two\n/)
  })

  it('exchanges keys and hashes ids, as both configurations say', async () => {
    const from = { encryption: { keys: [OLD] } }
    const to = { encryption: { keys: [NEWEST] }, hashIds: true }
    const { args, source, target, storeOn } = places({ from, to })
    await storeOn(source, from).set(idOf('a'), sessionData({ user: 'ada', n: 1 }))
    expect(await run(['move', ...args])).toMatchObject({ code: 0 })
    expect(await storeOn(target, to).get(idOf('a'))).toMatchObject({ n: 1 })
    expect(await storeOn(target, to).destroySessionsOf('ada')).toBe(1)
  })

  it.each([
    [{}, { encryption: { keys: ['short'] } }, 'each key must be 32 bytes'],
    [{}, { encryption: {} }, 'keys must be an array'],
    [{ hashIds: true }, {}, 'set hashIds for the target as well'],
  ])('ends with 2 for the configurations %j and %j, before the target is created', async (from, to, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'connect-databank-refused-'))
    const target = join(folder, 'sessions.db')
    const { args } = places({ from })
    const result = await run(['move', args[0]!, `sqlite:${target}`, ...args.slice(2, 4), '--to-config', configFile(to)])
    expect(result).toMatchObject({ code: 2, err: expect.stringContaining(message) })
    expect(existsSync(target)).toBe(false)
    rmSync(folder, { recursive: true })
  })

  it('ends with 1 if both are not equal', async () => {
    const { args, source, storeOn } = places({ layer: (bank) => extend(bank, { swap: async () => null }) })
    await storeOn(source).set(idOf('a'), sessionData())
    expect(await run(['move', ...args])).toMatchObject({
      code: 1,
      err: expect.stringContaining('source and target are not equal'),
    })
  })

  it('with --watch says when both are equal, and is ended by Ctrl-C with 0 then', async () => {
    const { args, source, target, storeOn } = places()
    await storeOn(source).set(idOf('a'), sessionData())
    const following = new Run(['move', ...args, '--watch'])
    await following.said('equal, ready for the application')
    following.interrupt()
    expect(await following.ended).toMatchObject({ code: 0, err: expect.stringContaining('source and target are equal') })
    expect(target.size).toBe(1)
  })

  it.each([40, 80])('shows one line in a terminal of %i columns, and removes it', async (columns) => {
    const { args, source, storeOn } = places()
    for (let n = 0; n < 300; n++) await storeOn(source).set(idOf(`${n}-`), sessionData())
    const { code, err } = await run(['move', ...args], { columns })
    expect(code).toBe(0)
    const lines = stripVTControlCharacters(err.replaceAll('\u001b', '\n\u001b'))
      .split(/[\r\n]/)
      .filter((line) => /^(copying|checking)/.test(line))
    expect(lines.length).toBeGreaterThan(0)
    expect(new Set(lines.map((line) => line.length))).toEqual(new Set([columns - 1]))
    expect(err).toMatch(/300 sessions copied\nsource and target are equal\n$/)
  })
})

describe('move to the same storage', () => {
  const SAME = 'connect-databank: the source and the target are the same storage: nothing was moved\n'
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'connect-databank-same-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** Stores a session, and runs moves between two names of its storage. */
  async function refuses(from: string, to: string): Promise<void> {
    const store = await openStore(from, { cleanupInterval: null })
    await store.set(idOf('a'), sessionData())
    for (const options of [[], ['--delete'], ['--watch', '--delete'], ['--mirror']]) {
      expect(await run(['move', from, to, ...options])).toEqual({ code: 2, out: '', err: SAME, lines: [] })
    }
    expect(await store.length()).toBe(1)
    expect(await store.get(idOf('a'))).not.toBeNull()
    await store.close()
  }

  it.each(['disk', 'sqlite'])('is refused, by a relative and an absolute path: %s', async (scheme) => {
    const path = join(folder, 'sessions')
    await refuses(`${scheme}:${path}`, `${scheme}:${path}`)
    await refuses(`${scheme}:${path}`, `${scheme}:./${relative(process.cwd(), path)}`)
  })

  it.skipIf(server('redis').missing)('is refused, by two names of a server; another prefix is another storage', async () => {
    const started = await startRedis()
    try {
      const named = started.url.replace('127.0.0.1', 'localhost')
      expect(named).not.toBe(started.url)
      await refuses(started.url, named)
      const other = ['--to-config', configFile({ prefix: 'other:' })]
      expect(await run(['move', started.url, named, '--delete', ...other])).toMatchObject({
        code: 0,
        err: expect.stringContaining('1 session copied, 1 deleted from the source\n'),
      })
    } finally {
      await started.stop()
    }
  })

  it('is refused, with other keys and hashed ids as well', async () => {
    const table: Table = new Map()
    const from = { encryption: { keys: [OLD] } }
    const to = { encryption: { keys: [NEWEST] }, hashIds: true }
    const { args, storeOn } = places({ from, to, source: table, target: table })
    await storeOn(table, from).set(idOf('a'), sessionData())
    const before = [...table]
    expect(await run(['move', ...args, '--delete'])).toMatchObject({ code: 2, err: SAME })
    expect([...table]).toEqual(before)
  })
})

describe('what move stores to compare the storages', () => {
  it('is a session of a minute, under an ordinary id, and is deleted before the move begins', async () => {
    const saved: [id: string, entry: Entry][] = []
    const save = (bank: Bank, id: string, entry: Entry) => {
      saved.push([id, entry])
      return bank.save(id, entry)
    }
    /** How many sessions the target has when the source is listed. */
    const sizes: number[] = []
    const scan = (bank: Bank) => {
      sizes.push(target.size)
      return bank.scan!()
    }
    const layer = (bank: Bank): Bank => extend(bank, { save: (id, entry) => save(bank, id, entry) })
    const sourceLayer = (bank: Bank): Bank => extend(bank, { scan: () => scan(bank) })
    const { args, source, target, storeOn } = places({ layer, sourceLayer })
    await storeOn(source).set(idOf('a'), sessionData())
    expect(await run(['move', ...args])).toMatchObject({ code: 0 })
    expect(sizes[0]).toBe(0)
    expect([...target.keys()]).toEqual([idOf('a')])
    const [id, entry] = saved[0]!
    expect(saved).toHaveLength(1)
    expect(id).toMatch(/^[A-Za-z0-9_-]{32}$/)
    expect(entry.expires).toBeLessThanOrEqual(Date.now() + MINUTE)
    expect(entry.expires).toBeGreaterThan(Date.now())
    expect(readRecord(entry)).not.toBeNull()
  })

  it('is deleted also if the source fails', async () => {
    const refused = Object.assign(new Error('no server'), { code: 'DATABANK_UNAVAILABLE' })
    const { args, target } = places({ sourceLayer: (bank) => extend(bank, { read: () => Promise.reject(refused) }) })
    expect(await run(['move', ...args])).toMatchObject({ code: 1, err: expect.stringContaining('no server') })
    expect(target.size).toBe(0)
  })
})

describe('move to the memory of the process', () => {
  it.each([
    ['memory:', {}],
    ['sqlite::memory:', {}],
    ['sqlite:./sessions.db', { path: ':memory:' }],
  ])('is refused: %s %o', async (to, config) => {
    const { args, source, storeOn } = places()
    await storeOn(source).set(idOf('a'), sessionData())
    const [from, , ...files] = args
    for (const options of [[], ['--delete']]) {
      const toConfig = ['--to-config', configFile(config)]
      expect(await run(['move', from!, to, ...files.slice(0, 2), ...toConfig, ...options])).toMatchObject({
        code: 2,
        err: 'connect-databank: the target is in the memory of this process, and would end with it: give another target\n',
      })
    }
    expect(await storeOn(source).get(idOf('a'))).not.toBeNull()
  })
})

describe('doctor', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'connect-databank-doctor-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('prints findings within the width, and ends with the code of the worst', async () => {
    const findings = (await run(['doctor', `disk:${folder}`, '--json'])).lines.map((line) => JSON.parse(line))
    expect(findings.length).toBeGreaterThan(2)
    const worst = findings.some(({ level }) => level === 'warn') ? 4 : 0
    for (const columns of [40, 80]) {
      const { code, lines } = await run(['doctor', `disk:${folder}`], { columns, env: { NO_COLOR: '1' } })
      expect(code).toBe(worst)
      const texts = lines.filter((line) => !line.includes('→') && !line.includes(folder))
      expect(Math.max(...texts.map((line) => line.length))).toBeLessThanOrEqual(columns)
      expect(lines.filter((line) => /^(ok|warn|fail) +\S/.test(line))).toHaveLength(findings.length)
    }
  })

  it('ends with 5 after a failure', async () => {
    const refused = Object.assign(new Error('no server'), { code: 'DATABANK_UNAVAILABLE' })
    const { args } = inMemory({ layer: (bank) => extend(bank, { read: () => Promise.reject(refused) }) })
    const { code, out } = await run(['doctor', ...args])
    expect({ code, out }).toEqual({ code: 5, out: expect.stringMatching(/^fail {2}/m) })
  })

  it('looks with the options of the configuration', async () => {
    const { args, store } = inMemory({ config: { encryption: { keys: [OLD] } } })
    await store.set(idOf('a'), sessionData())
    const env = { SESSION_ENCRYPTION_KEYS: NEWEST }
    const [withKey, without] = [await run(['doctor', ...args]), await run(['doctor', ...args], { env })]
    expect({ code: withKey.code, out: withKey.out }).toEqual({ code: 0, out: expect.not.stringContaining('key') })
    expect({ code: without.code, out: without.out }).toEqual({ code: 4, out: expect.stringContaining('key') })
  })

  it('ends with 2 if the encryption of the configuration cannot be right', async () => {
    expect(await run(['doctor', 'memory:', '--config', configFile({ encryption: {} })])).toMatchObject({ code: 2, out: '' })
  })

  it('colors levels on a terminal only', async () => {
    expect((await run(['doctor', `disk:${folder}`], { columns: 80 })).out).toContain('\u001b[32mok')
    expect((await run(['doctor', `disk:${folder}`])).out).not.toContain('\u001b')
  })
})
