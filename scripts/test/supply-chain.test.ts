// The dependencies that users install with our packages: their licences and their install scripts.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../command.js'
import { parseAudit } from '../supply-chain/audit-report.js'
import { closure, publicPackages, readLock } from '../supply-chain/closure.js'
import { isPermissive } from '../supply-chain/permissive.js'

const packages = publicPackages()

/** The dependencies that may have install scripts, by package: native clients only. */
const installing: Readonly<Record<string, readonly string[]>> = {
  '@connect-databank/couchbase': ['couchbase'],
}

describe('the production dependencies', () => {
  it.each(packages)('of $name have no install scripts, except native clients', ({ name, path }) => {
    const found = closure(readLock(), path).filter(({ hasInstallScript }) => hasInstallScript)
    expect(found.map((each) => each.name)).toEqual(installing[name] ?? [])
  })

  it('have permissive licences, as listed in LICENSES.md', async () => {
    const { code, output } = await run('scripts/supply-chain/licenses.js', '--check')
    expect(code, output).toBe(0)
  })

  it('are found at every depth, as Node.js resolves them', () => {
    const lock = {
      'packages/one': {
        dependencies: { 'our-other': '1', b: '1' },
        peerDependencies: { p: '1', q: '1' },
        peerDependenciesMeta: { q: { optional: true } },
      },
      'packages/other': { dependencies: { b: '2' } },
      'packages/other/node_modules/b': { version: '2.0.0', license: 'MIT' },
      'node_modules/our-other': { link: true, resolved: 'packages/other' },
      'node_modules/b': { version: '1.0.0', license: 'MIT', dependencies: { c: '1' } },
      'node_modules/b/node_modules/c': {
        version: '1.1.0',
        license: 'ISC',
        hasInstallScript: true,
        optionalDependencies: { none: '1', b: '1' },
      },
      'node_modules/c': { version: '9.0.0', license: 'GPL-3.0' },
      'node_modules/p': { version: '1.0.0', license: 'MIT' },
      'node_modules/q': { version: '1.0.0', license: 'MIT' },
    }
    expect(closure(lock, 'packages/one').map((each) => `${each.name} ${each.version}`)).toEqual([
      'b 1.0.0',
      'b 2.0.0',
      'c 1.1.0',
      'p 1.0.0',
    ])
    expect(() => closure({ ...lock, 'packages/one': { dependencies: { z: '1' } } }, 'packages/one')).toThrow(
      'z, which packages/one needs',
    )
  })

  it('have licence expressions that are parsed correctly', () => {
    for (const good of ['MIT', '(MIT OR GPL-3.0)', '(MIT AND Zlib)', 'GPL-3.0 OR (ISC AND 0BSD)'])
      expect(isPermissive(good), good).toBe(true)
    for (const bad of [
      'GPL-3.0',
      'MIT AND GPL-3.0',
      'unknown',
      '',
      'MIT)',
      '(MIT',
      'MIT ISC',
      'SEE LICENSE IN LICENSE',
      '(MIT OR ISC) AND GPL-3.0',
    ])
      expect(isPermissive(bad), bad).toBe(false)
  })
})

describe('an audit', () => {
  it('distinguishes vulnerabilities, none, and no answer', () => {
    const parsed = (stdout: unknown, stderr = '') => parseAudit({ code: 1, stdout: JSON.stringify(stdout), stderr })
    expect(parsed({ vulnerabilities: {} }).outcome).toBe('clean')
    const vulnerability = { name: 'b', severity: 'high', range: '<2', via: [{ title: 'Prototype Pollution in b' }, 'c'] }
    expect(parsed({ vulnerabilities: { b: vulnerability } })).toEqual({
      outcome: 'vulnerable',
      lines: ['b <2: high, Prototype Pollution in b; by c'],
    })
    expect(parsed({ message: '405 Method Not Allowed' })).toMatchObject({
      outcome: 'unanswered',
      lines: [expect.stringContaining('405')],
    })
    expect(parseAudit({ code: 1, stdout: '', stderr: 'npm error network' }).outcome).toBe('unanswered')
  })
})

describe('the workflows', () => {
  const folder = join(root, '.github/workflows')
  const workflows = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)

  it.each(workflows)('%s runs actions pinned by content only, and has no write permission', (_, text) => {
    const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
    expect(used.filter((action) => !action.startsWith('./') && !/@[0-9a-f]{40}$/.test(action))).toEqual([])
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m)
    expect(text.replace('id-token: write', '')).not.toContain('write')
  })

  it('release.yml publishes with provenance and without secrets', () => {
    const release = Object.fromEntries(workflows)['release.yml']
    expect(release).toContain('id-token: write')
    expect(release).toContain("NPM_CONFIG_PROVENANCE: 'true'")
    expect(release).not.toContain('secrets.')
  })
})

function run(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
    })
  })
}
