// Compiles sources to JavaScript for tests that start processes of their own. It needs no build, and does not change one.
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { cacheFolder } from './servers/index.js'

const packagesFolder = join(import.meta.dirname, '../packages')

/**
 * Bundles entries to `<folder>/<name>.js` in a new folder. Installed packages stay outside the bundle.
 * @param {Record<string, string>} entries their paths, by name
 * @returns {Promise<{ folder: string, remove: () => Promise<void> }>}
 */
export async function bundle(entries) {
  const folder = join(cacheFolder, 'bundles', `${process.pid}-${Math.random().toString(36).slice(2)}`)
  await mkdir(folder, { recursive: true })
  const build = await rolldown({
    input: entries,
    platform: 'node',
    resolve: { alias: await sources() },
    external: (id) =>
      !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('connect-databank') && !id.startsWith('@connect-databank/'),
    logLevel: 'silent',
  })
  await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' })
  await build.close()
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/**
 * The sources of each package and of its subpaths (`connect-databank/backend`): `src/<subpath>.ts` or `src/<subpath>/index.ts`. `$` makes
 * an alias exact: without it, an alias also replaces the beginning of longer names.
 */
async function sources() {
  const found = /** @type {[string, string][]} */ ([])
  for (const folder of await readdir(packagesFolder)) {
    const name = folder === 'core' ? 'connect-databank' : `@connect-databank/${folder}`
    const source = join(packagesFolder, folder, 'src')
    if (!existsSync(source)) continue
    for (const { parentPath, name: file } of await readdir(source, { recursive: true, withFileTypes: true })) {
      if (!file.endsWith('.ts')) continue
      const path = join(parentPath, file)
      const subpath = relative(source, path)
        .replaceAll('\\', '/')
        .replace(/(\/?index)?\.ts$/, '')
      found.push([`${subpath === '' ? name : `${name}/${subpath}`}$`, path])
    }
  }
  return Object.fromEntries(found)
}
