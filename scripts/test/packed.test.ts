// The packages as they are published: the content of the tarballs and the manifests.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { installed } from './outside.ts'

const outside = inject('outside')
beforeAll(() => installed(outside))
const packages = inject('packages')

describe.each(packages)('$name, packed', ({ name, tarball, files, manifest }) => {
  it('contains what it needs and nothing else', () => {
    for (const needed of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'])
      expect(files).toContain(needed)
    const own = /^(package\.json|README\.md|LICENSE|index\.d\.ts|bin\.js|dist\/[\w/-]+(\.js|\.d\.ts))$/
    const foreign = files.filter((path) => !own.test(path))
    expect(foreign).toEqual([])
  })

  it('has no needless field in its manifest', () => {
    const known =
      `name version description keywords license repository type main types bin exports typesVersions files sideEffects engines
      dependencies optionalDependencies devDependencies peerDependencies peerDependenciesMeta scripts`.split(/\s+/)
    expect(Object.keys(manifest).filter((key) => !known.includes(key))).toEqual([])
    expect(manifest['scripts']).toMatchObject({ prepack: 'node ../../scripts/prepack.js' })
    expect(manifest).toMatchObject({ license: 'Apache-2.0', type: 'commonjs', engines: { node: '^20.19.0 || >=22.12.0' } })
  })

  it('passes publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(outside, 'node_modules', name), pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('passes arethetypeswrong', async () => {
    const checked = await checkPackage(createPackageFromTarballData(await readFile(tarball)))
    expect(checked).toMatchObject({ types: { kind: 'included' }, problems: [] })
  })
})

it('connect-databank has no runtime dependency', () => {
  const core = packages.find(({ name }) => name === 'connect-databank')
  expect(core?.manifest).not.toHaveProperty('dependencies')
})

describe('the types of connect-databank, which are written by hand', () => {
  it('name every export', async () => {
    const folder = join(outside, 'node_modules/connect-databank')
    const [written, compiled] = await Promise.all(
      ['index.d.ts', 'dist/index.d.ts'].map((file) => readFile(join(folder, file), 'utf8')),
    )
    expect(exported(written ?? '')).toEqual(exported(compiled ?? ''))
  })
})

/** The names in all `export { … }` and `export type { … }` of a file; types begin with `type`. */
function exported(text: string): string[] {
  return [...text.matchAll(/export (type )?\{([^}]*)\}/g)]
    .flatMap(([, isType = '', names = '']) => names.split(',').map((name) => `${isType}${name.trim()}`))
    .filter((name) => /\w+$/.test(name))
    .sort()
}
