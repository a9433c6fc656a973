// Errors are one sentence on standard error and an exit code.
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configFile, fileWith, inMemory, run } from './support.ts'

const failing = (code: string) =>
  inMemory({
    layer: (bank) => ({
      ...bank,
      read: () => Promise.reject(Object.assign(new Error('no\nconnection'), { code })),
      save: async () => {},
      delete: async () => false,
      async *scan() {
        yield* []
        throw Object.assign(new Error('no\nconnection'), { code })
      },
    }),
  }).args

type Case = [name: string, args: string[], code: number, message: string | RegExp]

const WITHOUT_VALUE = [
  ['ls', 'owner <owner>'],
  ['ls', 'limit <n>'],
  ['ls', 'config <file>'],
  ['end', 'owner <owner>'],
  ['watch', 'interval <seconds>'],
].map(([command, option]): Case => {
  const args = [command!, 'memory:', `--${option!.split(' ')[0]}`]
  return [`${command} --${option} without a value`, args, 2, `connect-databank: option '--${option}' argument missing`]
})

const CASES: Case[] = [
  ['an unknown command', ['list'], 2, "connect-databank: unknown command 'list' (Did you mean ls?)"],
  ['an unknown option', ['ls', 'memory:', '--jsn'], 2, "connect-databank: unknown option '--jsn' (Did you mean --json?)"],
  ['no URL', ['ls'], 2, 'connect-databank: give the URL of the sessions, such as redis://localhost, or set SESSION_URL'],
  [
    'an unknown scheme',
    ['ls', 'nosql://x'],
    2,
    /^connect-databank: no package serves nosql: URLs; .* \(DATABANK_UNKNOWN_SCHEME\)$/,
  ],
  ['a removed scheme', ['ls', 'lmdb:./x'], 2, /use sqlite:/],
  ['a folder that is missing', ['ls', 'disk:./missing'], 1, 'connect-databank: there is no ./missing'],
  ['a file that is missing', ['count', 'sqlite:./missing.db'], 1, 'connect-databank: there is no ./missing.db'],
  ['a missing target', ['move', 'memory:'], 2, "connect-databank: missing required argument 'to'"],
  ['a wrong number', ['ls', 'memory:', '--limit', '0'], 2, 'connect-databank: "0" is no positive whole number'],
  [
    'a wrong column',
    ['ls', 'memory:', '--sort', 'name'],
    2,
    /^connect-databank: option '--sort <column>' argument 'name' is invalid/,
  ],
  ...WITHOUT_VALUE,
  ['no id to show', ['show', 'memory:'], 2, 'connect-databank: give a URL and one session id'],
  ['nothing to end', ['end', 'memory:'], 2, 'connect-databank: give session ids, or --owner, or --all'],
  ['two ways to end', ['end', 'memory:', 'abcdefgh', '--all'], 2, 'connect-databank: give session ids, or --owner, or --all'],
  ['--except alone', ['end', 'memory:', '--all', '--except', 'abcdefgh'], 2, 'connect-databank: --except is for --owner'],
  ['--all without --yes', ['end', 'memory:', '--all'], 2, 'connect-databank: --all needs --yes without a terminal'],
  ['reindex without an owner', ['reindex', 'memory:'], 2, /^connect-databank: reindex needs --config/],
  ['reencrypt without a key', ['reencrypt', 'memory:'], 2, /^connect-databank: reencrypt needs keys/],
  [
    'a configuration that is missing',
    ['ls', 'memory:', '--config', 'missing.js'],
    2,
    /^connect-databank: missing.js cannot be loaded: /,
  ],
  [
    'a configuration that throws',
    ['ls', 'memory:', '--config', fileWith('throw new Error("broken\\nline")', 'throws.mjs')],
    2,
    /cannot be loaded: broken$/,
  ],
  [
    'a configuration of another kind',
    ['ls', 'memory:', '--config', configFile('text')],
    2,
    /must export the options of the store, as an object$/,
  ],
  [
    'an unknown option of the store',
    ['ls', 'memory:', '--config', configFile({ ownr: 1 })],
    2,
    /did you mean owner\? \(DATABANK_INVALID_OPTION\)$/,
  ],
  ['a database that fails', ['ls', ...failing('ECONNREFUSED')], 1, 'connect-databank: no connection'],
  ['a database that refuses', ['count', ...failing('DATABANK_DENIED')], 1, 'connect-databank: no connection (DATABANK_DENIED)'],
  ['an unknown session', ['show', ...inMemory().args, 'abcdefgh'], 3, 'connect-databank: there is no session abcdefgh'],
]

describe('the error for', () => {
  it.each(CASES)('%s is one sentence, with an exit code', async (_name, args, code, message) => {
    const result = await run(args)
    expect(result).toMatchObject({ code, out: '' })
    expect(result.err).toMatch(/^[^\n]+\n$/)
    if (typeof message === 'string') expect(result.err).toBe(`${message}\n`)
    else expect(result.err.trim()).toMatch(message)
  })
})

it('a database that cannot list its sessions is named as the reason', async () => {
  const { args } = inMemory({ layer: ({ read, save, delete: remove }) => ({ read, save, delete: remove }) })
  expect(await run(['ls', ...args])).toMatchObject({
    code: 2,
    err: 'connect-databank: this database cannot list its sessions (DATABANK_NOT_SUPPORTED)\n',
  })
})

it('a database that hangs ends the command within the time-out', async () => {
  const layer = () => ({
    read: () => new Promise<never>(() => {}),
    save: async () => {},
    delete: async () => false,
    scan: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
    close: () => new Promise<never>(() => {}),
  })
  const { args } = inMemory({ layer, config: { timeout: 20 } })
  for (const command of [
    ['ls', ...args],
    ['show', ...args, 'abcdefgh'],
  ]) {
    expect(await run(command)).toMatchObject({ code: 1, err: expect.stringContaining('within 20 ms (DATABANK_TIMEOUT)') })
  }
})

it('a table that is missing is an error, the second time as well: it is not created', async () => {
  const file = fileWith('', 'empty.db')
  for (const args of [
    ['ls', `sqlite:${file}`],
    ['purge', `sqlite:${file}`],
  ]) {
    expect(await run(args)).toMatchObject({ out: '', err: expect.stringMatching(/^connect-databank: .*table .* does not exist/) })
    expect(readdirSync(dirname(file))).not.toContain('empty.db-wal')
  }
})

it('a URL with a password is nowhere in the output', async () => {
  const result = await run(['ls', 'redis://ada:geheim@127.0.0.1:1/0', '--config', configFile({ timeout: 3_000 })])
  expect(result).toMatchObject({ code: 1, err: expect.stringContaining('DATABANK_UNAVAILABLE') })
  expect(result.out + result.err).not.toMatch(/geheim|ada/)
})

it('help and version are no errors', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, out: '2.0.0-alpha.0\n', err: '' })
  expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('Commands:'), err: '' })
})
