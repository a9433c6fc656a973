// Where options come from: files of every kind, environment variables; and completion.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { fileWith, idOf, inMemory, run, sessionData } from './support.ts'

const FUNCTION = '(session) => session.name'

describe('--config', () => {
  it.each([
    ['an ES module', `export default { owner: ${FUNCTION} }`, 'module.mjs'],
    ['an ES module that awaits', `await null; export default { owner: ${FUNCTION} }`, 'awaits.mjs'],
    ['named exports', `export const owner = ${FUNCTION}`, 'named.mjs'],
    ['CommonJS', `module.exports = { owner: ${FUNCTION} }`, 'module.cjs'],
    ['compiled TypeScript', `exports.__esModule = true; exports.default = { owner: ${FUNCTION} }`, 'compiled.cjs'],
  ])('takes %s', async (_name, text, file) => {
    const { code, err } = await run(['reindex', 'memory:', '--config', fileWith(text, file)])
    expect({ code, err }).toEqual({ code: 0, err: '0 sessions changed\n' })
  })

  it('names owners of sessions that were stored without one', async () => {
    const { args, bank } = inMemory()
    await bank.save(idOf('a'), { payload: JSON.stringify({ ...(sessionData() as object), user: 'ada' }), expires: null })
    expect((await run(['ls', ...args, '--json'])).out).toContain('"owner":"ada"')
  })
})

describe('SESSION_ENCRYPTION_KEYS', () => {
  const keys = ['a'.repeat(64), Buffer.alloc(32, 7).toString('base64')]

  it('reads with every key', async () => {
    const { args, store } = inMemory({ config: { encryption: { keys: [keys[1]] } } })
    await store.set(idOf('a'), sessionData({ user: 'ada' }))
    const env = { SESSION_ENCRYPTION_KEYS: ` ${keys.join(', ')} ` }
    expect(JSON.parse((await run(['count', ...args, '--json'], { env })).out)).toEqual({ live: 1, expired: 0, corrupt: 0 })
    const wrong = { SESSION_ENCRYPTION_KEYS: keys[0] }
    expect(JSON.parse((await run(['count', ...args, '--json'], { env: wrong })).out)).toMatchObject({ live: 0, corrupt: 1 })
  })

  it('is refused if it is no key, and not printed', async () => {
    const result = await run(['ls', 'memory:'], { env: { SESSION_ENCRYPTION_KEYS: 'geheim' } })
    expect(result).toMatchObject({ code: 2, err: expect.stringContaining('32 bytes') })
    expect(result.err).not.toContain('geheim')
  })
})

describe('completion', () => {
  it.each([
    ['connect-databank re', ['reindex', 'reencrypt']],
    ['connect-databank ls --s', ['--sort']],
    ['connect-databank end --', ['--config', '--owner', '--except', '--all', '--yes', '--help']],
  ])('completes %s', async (line, expected) => {
    const { out } = await run(['completion'])
    const words = line.split(' ')
    const script = `${out}
      COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _connect_databank; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', script])
    expect(stdout.trim().split('\n').sort()).toEqual([...expected].sort())
  })
})
