// Every command on every backend: real servers, files, and what a configuration file says about them.
import { randomUUID } from 'node:crypto'
import { type DatabankStore, openBank, openStore } from 'connect-databank'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backends, canList, missing } from '../../../testing/backends.js'
import { configFile, idOf, ownerOf, run, sessionData } from './support.ts'

const KEYS = ['a'.repeat(64), 'b'.repeat(64)]

/** A process has a memory of its own. */
const shared = backends.filter(({ name }) => name !== 'memory')

describe.each(shared)('on $title', (backend) => {
  const reason = missing(backend)
  if (reason !== undefined) {
    it.skip(`every command (${reason})`, () => {})
    return
  }
  let started: Awaited<ReturnType<typeof backend.start>>
  beforeAll(async () => {
    started = await backend.start()
  })
  afterAll(() => started?.stop())

  let location: { url: string; options: object }
  let args: string[]
  let store: DatabankStore
  let application: (options: object) => Promise<DatabankStore>
  const opened: DatabankStore[] = []
  beforeEach(async () => {
    location = backend.location(started)
    const { url, options } = location
    const config = { ...options, owner: ownerOf, absoluteTimeout: 86_400_000 }
    args = [url, '--config', configFile(config)]
    application = async (more) => {
      const next = await openStore<object>(url, { ...config, cleanupInterval: null, ...more })
      opened.push(next)
      return next
    }
    store = await application({})
    for (const [id, user] of [
      ['ada-1-abc', 'ada'],
      ['ada-2-abc', 'ada'],
      ['bob-1-abc', 'bob'],
    ] as const) {
      await store.set(idOf(id), sessionData({ user, note: randomUUID() }))
    }
    return async () => {
      for (const each of opened.splice(0)) await each.close()
    }
  })

  const left = async () => {
    const ids: string[] = []
    for (const id of ['ada-1-abc', 'ada-2-abc', 'bob-1-abc']) if ((await store.get(idOf(id))) !== null) ids.push(id.slice(0, 5))
    return ids
  }

  it('show and end find a session by its whole id', async () => {
    const shown = await run(['show', ...args, idOf('ada-1-abc')])
    expect(shown).toMatchObject({ code: 0, err: '', lines: expect.arrayContaining(['id        ada-1-ab…', 'owner     ada']) })
    expect(await run(['end', ...args, idOf('ada-1-abc')])).toMatchObject({ code: 0, err: '1 session ended\n' })
    expect(await left()).toEqual(['ada-2', 'bob-1'])
  })

  if (!canList(backend)) {
    it('a listing fails, with a reason', async () => {
      const { code, err } = await run(['ls', ...args])
      expect({ code: code > 0, isSentence: /^connect-databank: [^\n]+\n$/.test(err) }).toEqual({ code: true, isSentence: true })
    })
    return
  }

  it('ls, count and beginnings of ids', async () => {
    const { code, out, err } = await run(['ls', ...args, '--json', '--sort', 'owner'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map(({ id, owner }) => `${id} ${owner}`).sort()).toEqual(['ada-1-ab ada', 'ada-2-ab ada', 'bob-1-ab bob'])
    for (const { created, expires, size } of rows) {
      expect(Math.abs(Date.parse(expires) - Date.parse(created) - 3_600_000)).toBeLessThan(2_000)
      expect(size).toBeGreaterThan(150)
    }
    expect(JSON.parse((await run(['count', ...args, '--json'])).out)).toMatchObject({ live: 3, corrupt: 0 })
    expect(await run(['show', ...args, 'bob-1-ab', '--values'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('user: "bob"'),
    })
  })

  it('end by owner, by beginning, and all', async () => {
    await store.set(idOf('ada-3-abc'), sessionData({ user: 'ada' }))
    expect(await run(['end', ...args, '--owner', 'ada', '--except', 'ada-2-ab'])).toMatchObject({
      code: 0,
      err: '2 sessions ended\n',
    })
    expect(await left()).toEqual(['ada-2', 'bob-1'])
    expect(await run(['end', ...args, 'bob-1-ab'])).toMatchObject({ code: 0 })
    expect(await left()).toEqual(['ada-2'])
    expect(await run(['end', ...args, '--all', '--yes'])).toMatchObject({ code: 0 })
    expect(await left()).toEqual([])
  })

  it('doctor and count take a record for corrupt whose cookie express-session cannot send, as the store does', async () => {
    const bank = await openBank<object>(location.url, location.options)
    const cookie = { path: '/; Domain=other.example', originalMaxAge: null, expires: null }
    await bank.save(idOf('eve-1-abc'), {
      payload: JSON.stringify({ cookie, user: 'eve' }),
      expires: Date.now() + 60_000,
      owner: null,
    })
    await bank.close?.()
    const findings = (await run(['doctor', ...args, '--json'])).lines.map((line) => JSON.parse(line))
    expect(findings.filter(({ subject }) => subject === 'records')).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/^1 of 4 records are no sessions, and count as missing/) },
    ])
    expect(JSON.parse((await run(['count', ...args, '--json'])).out)).toMatchObject({ live: 3, corrupt: 1 })
    expect(await store.get(idOf('eve-1-abc'))).toBeNull()
  })

  it('purge deletes a session that is past the absolute time-out', async () => {
    const bank = await openBank<object>(location.url, location.options)
    const session = sessionData({ __databank: { created: Date.now() - 86_400_001 } })
    await bank.save(idOf('eve-1-abc'), { payload: JSON.stringify(session), expires: Date.now() + 60_000, owner: null })
    expect(await run(['purge', ...args])).toMatchObject({ code: 0, err: '1 expired session deleted\n' })
    expect(await bank.read(idOf('eve-1-abc'))).toBeNull()
    expect(await left()).toHaveLength(3)
    await bank.close?.()
  })

  it('purge and reindex', async () => {
    expect(await run(['purge', ...args])).toMatchObject({ code: 0, err: '0 expired sessions deleted\n' })
    expect(await run(['reindex', ...args])).toMatchObject({ code: 0, err: '0 sessions changed\n' })
    expect(await left()).toHaveLength(3)
  })

  it('reencrypt encrypts, takes the newest key, and hashes ids', async () => {
    const env = { SESSION_ENCRYPTION_KEYS: KEYS[1] }
    expect(await run(['reencrypt', ...args, '--accept-plain'], { env })).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^3 sessions encrypted/),
    })
    const rotated = { SESSION_ENCRYPTION_KEYS: KEYS.join() }
    const { code, err } = await run(['reencrypt', ...args, '--hash-ids'], { env: rotated })
    expect({ code, err }).toEqual({ code: 0, err: '3 sessions encrypted anew, 3 ids hashed\n' })
    const next = await application({ encryption: { keys: [KEYS[0]] }, hashIds: true })
    expect(await next.get(idOf('bob-1-abc'))).toMatchObject({ user: 'bob' })
    expect(await next.destroySessionsOf('ada')).toBe(2)
  })
})
