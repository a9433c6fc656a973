import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { openBank, SqliteBank, SqliteStore, type SqliteStoreOptions } from '../src/index.ts'
import { optionsOfUrl } from '../src/options.ts'

/** The message about options that are refused. */
function refusalOf(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const refusal = (options: object): string => refusalOf(() => new SqliteStore(options as SqliteStoreOptions))

describe('the options', () => {
  it('are checked, without I/O', () => {
    expect(refusal({})).toContain('path is missing')
    expect(refusal({ path: undefined })).toContain('path must be')
    expect(refusal({ path: '' })).toContain('path must be')
    expect(refusal({ path: 'a\0b' })).toContain('path must be')
    expect(refusal({ path: 'x', tabel: 'x' })).toContain('did you mean table?')
    expect(refusal({ path: 'x', table: '' })).toContain('table must be a name')
    expect(refusal({ path: 'x', schema: 'x' })).toContain('unknown option "schema"')
    expect(refusal({ path: 'x', createTable: 1 })).toContain('createTable must be true or false')
    expect(refusal({ path: 'x', durable: 'yes' })).toContain('durable must be true or false')
    expect(refusal({ path: 'x', engine: 'sqlite3' })).toContain('engine must be one of "node:sqlite", "better-sqlite3"')
    expect(refusal({ path: 'x', layout: 'connect-pg-simple' })).toContain('it has connect-sqlite3')
    expect(refusal({ path: 'x', expired: {} })).toContain('unknown option')
    new SqliteStore({ path: '/nowhere/at/all.db' })
    expect(existsSync('/nowhere')).toBe(false)
  })
})

describe('a URL', () => {
  it.each([
    ['sqlite:./sessions.db', { path: './sessions.db' }],
    ['sqlite:sessions.db', { path: 'sessions.db' }],
    ['sqlite:/var/lib/sessions.db', { path: '/var/lib/sessions.db' }],
    ['sqlite:///var/lib/sessions.db', { path: '/var/lib/sessions.db' }],
    ['sqlite:///C:/sessions.db', { path: 'C:/sessions.db' }],
    ['sqlite:a%3Fb%23c%25d%20.db', { path: 'a?b#c%d .db' }],
    ['sqlite::memory:', { path: ':memory:' }],
    [
      'sqlite:a.db?durable=true&createTable=false&table=12&maxPending=5',
      { path: 'a.db', durable: true, createTable: false, table: '12', maxPending: 5 },
    ],
  ])('%s names %o', (url, options) => {
    expect(optionsOfUrl(url)).toEqual(options)
  })

  it.each([
    'sqlite:',
    'sqlite://sessions.db',
    'sqlite:a%zz',
    'sqlite:a?durable=1',
    'sqlite:a?maxPending=many',
    'sqlite:a?size=3',
  ])('%s is refused', (url) => {
    refusalOf(() => openBank(url))
  })

  it('gives way to options', async () => {
    const folder = await scratchFolder()
    const path = relative('.', `${folder.path}/other.db`)
    const bank = openBank(`sqlite:${folder.path}/a.db?table=x`, { path, table: 'y' })
    expect(bank.isLocal, 'core keeps parsed sessions').toBe(true)
    await bank.save('a', { payload: 'x', expires: null })
    expect(existsSync(`${folder.path}/a.db`)).toBe(false)
    await bank.close?.()
    const same = new SqliteBank({ path: `${folder.path}/other.db`, table: 'y', createTable: false })
    expect((await same.read('a'))?.payload).toBe('x')
    await same.close()
    await folder.remove()
  })
})
