// end, purge, reindex: what they change, and what they leave alone.
import type { Bank } from 'connect-databank'
import { type Entry, encrypt, extend } from 'connect-databank/backend'
import { describe, expect, it } from 'vitest'
import { idOf, inMemory, MINUTE, run, sessionData } from './support.ts'

async function sessionsOf(users: readonly string[], config: object = {}) {
  const memory = inMemory({ config })
  for (const [index, user] of users.entries()) await memory.store.set(idOf(`${user}-${index}-abc`), sessionData({ user }))
  const left = () => [...memory.table.keys()].map((id) => id.replace(/-abc0+$/, ''))
  return { ...memory, left }
}

describe('end', () => {
  it('ends the sessions that are named by their beginnings, by whole ids, or both', async () => {
    const { args, left } = await sessionsOf(['ada', 'bob', 'carol', 'dan'])
    const { code, err } = await run(['end', ...args, 'ada-0-ab', idOf('bob-1-abc'), 'carol-2-abc0'])
    expect({ code, err, left: left() }).toEqual({ code: 0, err: '3 sessions ended\n', left: ['dan-3'] })
  })

  it('ends none if one is unknown, too short, or not unique', async () => {
    const { args, left, store } = await sessionsOf(['ada', 'bob'])
    await store.set(idOf('ada-0-abd'), sessionData())
    for (const [typed, code] of [
      ['nobody-0', 3],
      ['bob', 2],
      ['', 2],
      ['ada-0-ab', 3],
    ] as const) {
      expect(await run(['end', ...args, 'bob-1-ab', typed])).toMatchObject({ code })
      expect(left()).toHaveLength(3)
    }
  })

  it('ends the sessions of an owner, but for one', async () => {
    const { args, left } = await sessionsOf(['ada', 'ada', 'bob', 'ada'])
    expect(await run(['end', ...args, '--owner', 'ada', '--except', 'bob-2-ab'])).toMatchObject({ code: 3 })
    expect(left()).toHaveLength(4)
    expect(await run(['end', ...args, '--owner', 'ada', '--except', 'ada-1-ab'])).toMatchObject({
      code: 0,
      err: '2 sessions ended\n',
    })
    expect(left()).toEqual(['ada-1', 'bob-2'])
    expect(await run(['end', ...args, '--owner', 'ada'])).toMatchObject({ code: 0, err: '1 session ended\n' })
    expect(left()).toEqual(['bob-2'])
  })

  it('ends all sessions only when somebody says yes', async () => {
    const { args, left } = await sessionsOf(['ada', 'bob'])
    for (const typed of ['', 'n', 'no', 'all', null]) {
      const result = await run(['end', ...args, '--all'], { columns: 80, typed })
      expect(result).toMatchObject({ code: 1, err: expect.stringContaining('End 2 live sessions of test:? [y/N] ') })
      expect(left()).toHaveLength(2)
    }
    expect(await run(['end', ...args, '--all'], { columns: 80, typed: 'y' })).toMatchObject({ code: 0 })
    expect(left()).toEqual([])
  })

  it('ends all sessions with --yes', async () => {
    const { args, left } = await sessionsOf(['ada', 'bob'])
    const result = await run(['end', ...args, '--all', '--yes'])
    expect(result).toMatchObject({ code: 0, err: 'all sessions ended; 2 sessions were live\n' })
    expect(left()).toEqual([])
  })
})

describe('an id', () => {
  it.each(['-abcdefg', '-hV12345', '--abcdef'])('may begin with a hyphen: %s', async (beginning) => {
    const { args, store, left } = await sessionsOf(['ada', 'bob'])
    await store.set(idOf(beginning), sessionData({ user: 'ada' }))
    const last = beginning.startsWith('--') ? ['--'] : []
    expect(await run(['show', ...args, ...last, beginning])).toMatchObject({ code: 0 })
    expect(await run(['end', ...args, '--owner', 'ada', '--except', beginning])).toMatchObject({ code: 0 })
    expect(await run(['end', ...args, 'bob-1-ab', ...last, beginning])).toMatchObject({ code: 0, err: '2 sessions ended\n' })
    expect(left()).toEqual([])
  })

  it.each([
    ['before the option', ['-abcdefg', '--owner']],
    ['behind --', ['--owner', '--', 'ada-0-ab']],
    ['on both sides', ['-abcdefg', '--owner', '--', 'ada-0-ab']],
  ])('%s does not hide that the value of the option is missing', async (_name, typed) => {
    const { args, store, left } = await sessionsOf(['ada'])
    await store.set(idOf('-abcdefg'), sessionData())
    await store.set(idOf('owned'), sessionData({ user: '--' }))
    expect(await run(['end', ...args, ...typed])).toMatchObject({
      code: 2,
      err: "connect-databank: option '--owner <owner>' argument missing\n",
    })
    expect(left()).toHaveLength(3)
  })

  it('of a cookie is found under its hash', async () => {
    const { args, table } = await sessionsOf(['ada', 'bob'], { hashIds: true })
    expect([...table.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)])
    expect(await run(['show', ...args, idOf('ada-0-abc')])).toMatchObject({ code: 0 })
    const [, bob] = [...table.keys()]
    expect(await run(['end', ...args, idOf('ada-0-abc'), bob!.slice(0, 8)])).toMatchObject({ code: 0 })
    expect(table.size).toBe(0)
  })

  it('may be too long for a bank', async () => {
    const { args, store } = await sessionsOf([])
    await store.set('ä'.repeat(200), sessionData())
    expect(await run(['end', ...args, 'ä'.repeat(200)])).toMatchObject({ code: 0, err: '1 session ended\n' })
  })

  it('and a URL are told apart by the scheme', async () => {
    const { args, left } = await sessionsOf(['ada'])
    const [url, ...config] = args
    const env = { SESSION_URL: url }
    expect(await run(['show', ...config, 'ada-0-ab'], { env })).toMatchObject({ code: 0 })
    expect(await run(['ls', ...config], { env })).toMatchObject({ code: 0 })
    expect(await run(['end', ...config, 'ada-0-ab'], { env })).toMatchObject({ code: 0 })
    expect(left()).toEqual([])
  })
})

describe.each([
  ['with purge', false],
  ['without purge', true],
])('purge on a bank %s', (_name, isBare) => {
  it('deletes expired sessions, and says how many', async () => {
    const memory = inMemory({ layer: (bank) => (isBare ? extend(bank, { purge: undefined }) : bank) })
    await memory.store.set(idOf('live'), sessionData())
    for (const id of ['a', 'b']) await memory.bank.save(id, { payload: JSON.stringify(sessionData()), expires: Date.now() - 1 })
    expect(await run(['purge', ...memory.args])).toMatchObject({ code: 0, err: '2 expired sessions deleted\n' })
    expect([...memory.table.keys()]).toEqual([idOf('live')])
  })

  it.each([
    ['plain', {}],
    ['encrypted', { encryption: { keys: ['a'.repeat(64)] } }],
  ])('deletes %s sessions past the absolute time-out of the configuration, as count counts them', async (_kind, more) => {
    const layer = (bank: Bank) => (isBare ? extend(bank, { purge: undefined }) : bank)
    const memory = inMemory({ layer, config: { absoluteTimeout: 60 * MINUTE, ...more } })
    const stored = 'encryption' in more ? encrypt(memory.bank, more.encryption) : memory.bank
    await stored.save('expired', sessionOf(10, Date.now() - 1))
    await stored.save('overdue', sessionOf(61))
    await stored.save('live', sessionOf(59))
    await stored.save('of unknown age', { payload: JSON.stringify(sessionData()), expires: null })
    await memory.bank.save('corrupt', { payload: 'no session', expires: null })
    const counts = async () => JSON.parse((await run(['count', ...memory.args, '--json'])).out)
    expect(await counts()).toEqual({ live: 2, expired: 2, corrupt: 1 })
    expect(await run(['purge', ...memory.args])).toMatchObject({ code: 0, err: '2 expired sessions deleted\n' })
    expect([...memory.table.keys()]).toEqual(['live', 'of unknown age', 'corrupt'])
    expect(await counts()).toEqual({ live: 2, expired: 0, corrupt: 1 })
  })
})

describe('purge with an absolute time-out', () => {
  it.each([
    ['with swap', 'swap'],
    ['without swap', 'read'],
  ] as const)('leaves a session alone that is rewritten meanwhile, on a bank %s', async (_name, method) => {
    const layer = (bank: Bank): Bank => {
      const rewriting = async (id: string) => void (await bank.save(id, sessionOf(0)))
      return extend(bank, {
        swap: method === 'read' ? undefined : async (id, ...rest) => rewriting(id).then(() => bank.swap!(id, ...rest)),
        ...(method === 'read' && { read: async (id) => rewriting(id).then(() => bank.read(id)) }),
      })
    }
    const memory = inMemory({ layer, config: { absoluteTimeout: 60 * MINUTE } })
    await memory.bank.save(idOf('a'), sessionOf(61))
    expect(await run(['purge', ...memory.args])).toMatchObject({ code: 0, err: '0 expired sessions deleted\n' })
    expect(await memory.store.get(idOf('a'))).not.toBeNull()
  })

  it('fails if the database cannot list its sessions', async () => {
    const layer = (bank: Bank) => extend(bank, { scan: undefined })
    const { args } = inMemory({ layer, config: { absoluteTimeout: 60 * MINUTE } })
    expect(await run(['purge', ...args])).toMatchObject({ code: 2, err: expect.stringContaining('cannot list its sessions') })
  })
})

/** An entry of a session that is so many minutes old, without the bound that a store with an absolute time-out gives it. */
function sessionOf(age: number, expires = Date.now() + 60 * MINUTE): Entry {
  const session = sessionData({ __databank: { created: Date.now() - age * MINUTE } })
  return { payload: JSON.stringify(session), expires }
}

it('reindex stores owners by the function of the configuration, once', async () => {
  const { args, bank } = inMemory()
  await bank.save('a', { payload: JSON.stringify({ ...(sessionData() as object), user: 'ada' }), expires: null })
  expect(await run(['reindex', ...args])).toMatchObject({ code: 0, err: '1 session changed\n' })
  expect(await bank.read('a')).toMatchObject({ owner: 'ada' })
  expect(await run(['reindex', ...args])).toMatchObject({ code: 0, err: '0 sessions changed\n' })
})
