// ls, show and count: what they print of sessions, and what they keep to themselves.
import { beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { idOf, inMemory, MINUTE, Run, run, sessionData } from './support.ts'

const DAY = 24 * 60 * MINUTE

async function threeSessions() {
  const memory = inMemory({ config: { absoluteTimeout: 30 * DAY } })
  await memory.store.set(idOf('ada-1'), sessionData({ user: 'ada', cart: [1, 2] }, 36.5 * 60 * MINUTE))
  await memory.store.set(idOf('bob-1'), sessionData({ user: 'bob', text: 'x'.repeat(3_000) }, 5.5 * MINUTE))
  await memory.store.set(idOf('guest'), sessionData({}, 10 * DAY + MINUTE))
  await memory.bank.save(idOf('gone!'), { payload: JSON.stringify(sessionData()), expires: Date.now() - 1 })
  await memory.bank.save(idOf('wrong'), { payload: '{', expires: null })
  return memory
}

let memory: Awaited<ReturnType<typeof threeSessions>>
beforeEach(async () => {
  memory = await threeSessions()
})

const ls = async (...options: string[]) => (await run(['ls', ...memory.args, ...options])).lines
const jsonOf = async (...options: string[]) => (await ls('--json', ...options)).map((line) => JSON.parse(line))

describe('ls', () => {
  it('lists live sessions in 80 columns, and says what it leaves out', async () => {
    const { code, lines, err } = await run(['ls', ...memory.args])
    const created = new Date().toISOString().slice(0, 10)
    expect(lines[0]).toBe('ID         OWNER                              CREATED           EXPIRES     SIZE')
    expect(lines[1]).toMatch(new RegExp(`^ada-1000…  ada {32}${created} \\d\\d:\\d\\d {5}36 h {4}1\\d\\d B$`))
    expect(lines.map((line) => line.slice(0, 16).trimEnd())).toEqual([
      'ID         OWNER',
      'ada-1000…  ada',
      'bob-1000…  bob',
      'guest000…  -',
    ])
    expect(lines.map((line) => line.slice(64).trim().split(/ {2,}/))).toEqual([
      ['EXPIRES', 'SIZE'],
      ['36 h', expect.any(String)],
      ['5 min', '3.2 kB'],
      ['10 d', expect.any(String)],
    ])
    expect({ code, err }).toEqual({ code: 0, err: '1 corrupt record left out\n' })
  })

  it.each([40, 60, 80, 120])('fits into %i columns', async (columns) => {
    await memory.store.set(idOf('long'), sessionData({ user: '名前'.repeat(40) }))
    const { lines } = await run(['ls', ...memory.args], { columns })
    // Each of the characters of this owner takes two columns.
    const width = (line: string) => line.length + line.replaceAll(/[^名前]/g, '').length
    expect(lines).toHaveLength(5)
    expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(columns)
    expect(lines[0]?.includes('CREATED')).toBe(columns >= 80)
  })

  it('prints the beginnings of ids, and whole ones only when asked to', async () => {
    expect((await ls()).join()).not.toContain(idOf('ada-1'))
    expect((await jsonOf()).map(({ id }) => id)).toEqual(['ada-1000', 'bob-1000', 'guest000'])
    expect((await jsonOf('--full-ids')).map(({ id }) => id)).toEqual([idOf('ada-1'), idOf('bob-1'), idOf('guest')])
    expect((await ls('--full-ids'))[1]).toMatch(new RegExp(`^${idOf('ada-1')}  ada `))
  })

  it('prints one object a line', async () => {
    const stored = await memory.bank.read(idOf('ada-1'))
    expect((await jsonOf())[0]).toEqual({
      id: 'ada-1000',
      owner: 'ada',
      created: expect.stringMatching(/^\d{4}-.*Z$/),
      expires: new Date(stored!.expires!).toISOString(),
      size: stored!.payload.length,
    })
  })

  it('finds the sessions of an owner, and as many as wanted', async () => {
    expect((await jsonOf('--owner', 'bob')).map(({ id }) => id)).toEqual(['bob-1000'])
    expect(await jsonOf('--limit', '2')).toHaveLength(2)
    expect(await run(['ls', ...memory.args, '--owner', 'carol'])).toMatchObject({ code: 0, out: '', err: 'no live sessions\n' })
  })

  it.each([
    ['expires', ['bob-1000', 'ada-1000', 'guest000']],
    ['size', ['bob-1000', 'ada-1000', 'guest000']],
    ['owner', ['ada-1000', 'bob-1000', 'guest000']],
  ])('sorts by %s', async (column, expected) => {
    expect((await jsonOf('--sort', column)).map(({ id }) => id)).toEqual(expected)
    expect((await jsonOf('--sort', column, '--limit', '1')).map(({ id }) => id)).toEqual(expected.slice(0, 1))
  })

  it('sorts by creation, the newest first, and those without one last', async () => {
    const payload = (created?: number) =>
      JSON.stringify({ ...(sessionData() as object), ...(created && { __databank: { created } }) })
    await memory.bank.clear?.()
    for (const [id, created] of [
      ['old', 1],
      ['unknown', undefined],
      ['new', 2],
    ] as const) {
      await memory.bank.save(idOf(id), { payload: payload(created && Date.now() + created), expires: null })
    }
    expect((await jsonOf('--sort', 'created')).map(({ id }) => id)).toEqual(['new00000', 'old00000', 'unknown0'])
  })

  it('writes what a terminal would obey as text', async () => {
    await memory.bank.clear?.()
    await memory.store.set(idOf('\u001b[2J\u202e'), sessionData({ user: 'a\u001b]0;x\u0007\u009b\n' }))
    const table = await run(['ls', ...memory.args], { columns: 120 })
    const json = await run(['ls', ...memory.args, '--json'])
    for (const { out } of [table, json]) expect(out).not.toMatch(/[^\P{Cc}\n]/u)
    expect(table.out).not.toContain('\u202e')
    expect(JSON.parse(json.out)).toMatchObject({ owner: 'a\u001b]0;x\u0007\u009b\n' })
  })

  it('ends with an error when its output cannot be written', async () => {
    const full = new Run(['ls', ...memory.args])
    full.stdout.emit('error', Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
    expect(await full.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(/connect-databank: ENOSPC: no space left on device\n$/),
    })
  })

  it('reads no further than its reader', async () => {
    let listed = 0
    const payload = JSON.stringify(sessionData())
    const layer = () => ({
      read: async () => null,
      save: async () => {},
      delete: async () => false,
      async *scan() {
        for (;;) yield [idOf(String(listed++)), { payload, expires: null }] as const
      },
    })
    const endless = new Run(['ls', ...inMemory({ layer }).args])
    endless.stdout.pause()
    await until(() => endless.stdout.writableNeedDrain, 'the output to be full')
    for (let before = -1; before !== listed; await new Promise((resolve) => setTimeout(resolve, 20))) before = listed
    expect(listed).toBeGreaterThan(10)
    expect(listed).toBeLessThan(2_000)
    // As `ls | head` does.
    endless.stdout.emit('error', Object.assign(new Error('closed'), { code: 'EPIPE' }))
    expect(await endless.ended).toMatchObject({ code: 0, err: '' })
  })
})

describe('show', () => {
  const show = async (...options: string[]) => run(['show', ...memory.args, 'ada-1000', ...options])

  it('prints a session without its values', async () => {
    const { code, lines } = await show()
    expect(code).toBe(0)
    expect(lines.map((line) => line.replaceAll(/\d{4}-\S+ \S+Z/g, 'TIME'))).toEqual([
      'id        ada-1000…',
      'owner     ada',
      'created   TIME, 0 s ago',
      'extended  TIME, 0 s ago',
      'expires   TIME, in 36 h',
      expect.stringMatching(/^size {6}1\d\d B$/),
      'cookie    maxAge 36 h, httpOnly, path /',
      'data',
      '  user: text, 3 characters',
      '  cart: array, 2 items',
    ])
  })

  it('prints values, and the whole id, only when asked to', async () => {
    expect((await show('--json')).out).not.toContain('[1,2]')
    expect((await show('--values')).lines.slice(-2)).toEqual(['  user: "ada"', '  cart: [1,2]'])
    expect((await show('--full-ids')).lines[0]).toBe(`id        ${idOf('ada-1')}`)
    expect(JSON.parse((await show('--json', '--values')).out)).toMatchObject({
      id: 'ada-1000',
      data: { user: 'ada', cart: [1, 2] },
    })
  })

  it('masks every kind of value', async () => {
    await memory.store.set(idOf('kinds'), sessionData({ a: { 'ada@example.org': 1 }, b: null, c: true, d: 7, e: '' }))
    const { lines } = await run(['show', ...memory.args, idOf('kinds')])
    expect(lines.slice(-5)).toEqual(['  a: object, 1 key', '  b: null', '  c: boolean', '  d: number', '  e: text, 0 characters'])
  })

  it('says why there is nothing to show', async () => {
    expect(await run(['show', ...memory.args, 'gone!000'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('has expired'),
    })
    expect(await run(['show', ...memory.args, 'wrong000'])).toMatchObject({ code: 3, err: expect.stringContaining('is corrupt') })
  })
})

describe('count', () => {
  it('counts live, expired and corrupt sessions', async () => {
    expect(await run(['count', ...memory.args])).toMatchObject({
      code: 0,
      lines: ['3 live', '1 expired, not yet removed', '1 corrupt'],
    })
    expect(JSON.parse((await run(['count', ...memory.args, '--json'])).out)).toEqual({ live: 3, expired: 1, corrupt: 1 })
  })

  it('counts a session as expired whose absolute time-out is over', async () => {
    const config = { absoluteTimeout: 1_000 }
    const { args, bank } = inMemory({ config })
    const payload = JSON.stringify({ ...(sessionData() as object), __databank: { created: Date.now() - 2_000 } })
    await bank.save('old', { payload, expires: Date.now() + MINUTE })
    expect(JSON.parse((await run(['count', ...args, '--json'])).out)).toEqual({ live: 0, expired: 1, corrupt: 0 })
  })
})
