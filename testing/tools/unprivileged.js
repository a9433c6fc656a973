// For servers that refuse to run as root: they run as nobody, in folders that every user may traverse.
import { chmod, chown, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheFolder } from '../servers/index.js'

const NOBODY = 65_534

/** The user that such a server runs as: nobody if this process runs as root; else undefined, the user of this process. */
export const serverUser = process.getuid?.() === 0 ? NOBODY : undefined

/**
 * Where to unpack a program that `serverUser` runs: in the cache; in the folder for temporary files if other users may not traverse the path
 * to the cache.
 * @param {string} name
 */
export async function programFolder(name) {
  const folder = join(cacheFolder, name)
  return serverUser === undefined || (await isTraversable(cacheFolder)) ? folder : join(tmpdir(), `connect-databank-${name}`)
}

/** Whether every user may traverse the path to a folder. @param {string} folder @returns {Promise<boolean>} */
async function isTraversable(folder) {
  if (folder !== dirname(folder) && !(await isTraversable(dirname(folder)))) return false
  const { mode } = await stat(folder).catch(() => ({ mode: 0o001 })) // it does not exist yet
  return (mode & 0o001) !== 0
}

/**
 * Makes `serverUser` the owner of a folder and its content.
 * @param {string} folder
 */
export async function makeServerOwner(folder) {
  if (serverUser === undefined) return
  const entries = await readdir(folder, { recursive: true })
  for (const path of [folder, ...entries.map((entry) => join(folder, entry))]) await chown(path, serverUser, serverUser)
}

/** Lets every user traverse a folder, so that `serverUser` reaches its data folder in it. @param {string} folder */
export function allowTraversal(folder) {
  return chmod(folder, 0o711)
}
