// How many files of source a request opens: what a reader has to know to follow it.
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cacheFolder } from '../../../testing/servers/index.js'

const PACKAGES = join(import.meta.dirname, '../..')
const folder = join(cacheFolder, 'request-path', String(process.pid))

let files: Record<'get' | 'set', string[]>

beforeAll(async () => {
  await mkdir(folder, { recursive: true })
  // Each source becomes a file of its own, so that the coverage tells them apart.
  const build = await rolldown({
    input: join(import.meta.dirname, 'fixtures/request-path.ts'),
    platform: 'node',
    treeshake: false,
    resolve: {
      alias: {
        'connect-databank/backend$': join(PACKAGES, 'core/src/backend/index.ts'),
        'connect-databank$': join(PACKAGES, 'core/src/index.ts'),
        '@connect-databank/memory$': join(PACKAGES, 'memory/src/index.ts'),
      },
    },
    external: ['express-session'],
    logLevel: 'silent',
  })
  await build.write({
    dir: folder,
    format: 'esm',
    preserveModules: true,
    preserveModulesRoot: PACKAGES,
    entryFileNames: '[name].js',
  })
  await build.close()
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'core/test/fixtures/request-path.js')])
  const all = JSON.parse(stdout) as typeof files
  const ours = (urls: string[]) =>
    urls
      .filter((url) => url.startsWith('file:') && fileURLToPath(url).startsWith(folder))
      .map((url) => relative(folder, fileURLToPath(url)).replaceAll('\\', '/'))
      .filter((path) => path.includes('/src/'))
      .sort()
  files = { get: ours(all.get), set: ours(all.set) }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it.each([
  ['get', 11],
  ['set', 12],
] as const)('%s in memory runs code of at most %i files', (operation, most) => {
  const paths = files[operation]
  console.log(`${operation} in memory: ${paths.length} files\n  ${paths.join('\n  ')}`)
  expect(paths).toContain('core/src/store.js')
  expect(paths.some((path) => path.startsWith('memory/'))).toBe(true)
  expect(paths.length).toBeLessThanOrEqual(most)
})
