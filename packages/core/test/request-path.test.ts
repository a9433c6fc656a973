// How many files of source a request opens: what a reader has to know to follow it.
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cacheFolder, server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'

const PACKAGES = join(import.meta.dirname, '../..')
const folder = join(cacheFolder, 'request-path', String(process.pid))

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
        '@connect-databank/redis$': join(PACKAGES, 'redis/src/index.ts'),
      },
    },
    external: ['express-session', 'redis'],
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
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Files = Record<'get' | 'set', string[]>

/** The files of source that run during a `get` and a `set`. */
async function filesOf(url: string): Promise<Files> {
  const program = join(folder, 'core/test/fixtures/request-path.js')
  const { stdout } = await promisify(execFile)(process.execPath, [program, url])
  const all = JSON.parse(stdout) as Files
  const ours = (urls: string[]) =>
    urls
      .filter((url) => url.startsWith('file:') && fileURLToPath(url).startsWith(folder))
      .map((url) => relative(folder, fileURLToPath(url)).replaceAll('\\', '/'))
      .filter((path) => path.includes('/src/'))
      .sort()
  return { get: ours(all.get), set: ours(all.set) }
}

function expectAtMost(files: Files, name: string, most: Record<keyof Files, number>): void {
  for (const operation of ['get', 'set'] as const) {
    const paths = files[operation]
    console.log(`${operation} in ${name}: ${paths.length} files\n  ${paths.join('\n  ')}`)
    expect(paths).toContain('core/src/store.js')
    expect(paths.some((path) => path.startsWith(`${name}/`))).toBe(true)
    expect(paths.length).toBeLessThanOrEqual(most[operation])
  }
}

it('get in memory runs code of at most 11 files, set of 12', async () => {
  expectAtMost(await filesOf('memory:'), 'memory', { get: 11, set: 12 })
})

it.skipIf(server('redis').missing)('get in Redis runs code of at most 14 files, set of 15', async () => {
  const redis = await startRedis()
  try {
    expectAtMost(await filesOf(redis.url), 'redis', { get: 14, set: 15 })
  } finally {
    await redis.stop()
  }
})
