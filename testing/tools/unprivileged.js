// Servers that refuse to run as root run as nobody, in folders that nobody may pass.
import { chmod, chown, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheFolder } from '../servers/index.js'

const NOBODY = 65_534

/** The user that servers run as: nobody where this process is root's; else undefined, for the user of this process. */
export const serverUser = process.getuid?.() === 0 ? NOBODY : undefined

/**
 * Where to unpack a program that runs as `serverUser`: in the cache, or in the folder for temporary files if the cache is in a folder that
 * only root may pass.
 * @param {string} name
 */
export async function programFolder(name) {
  const folder = join(cacheFolder, name)
  return serverUser === undefined || (await isPassable(cacheFolder)) ? folder : join(tmpdir(), `connect-databank-${name}`)
}

/** Whether everybody may pass the folder and those that it is in. @param {string} folder @returns {Promise<boolean>} */
async function isPassable(folder) {
  if (folder !== dirname(folder) && !(await isPassable(dirname(folder)))) return false
  const { mode } = await stat(folder).catch(() => ({ mode: 0o001 })) // is made later, by us
  return (mode & 0o001) !== 0
}

/**
 * Gives a folder, with what is in it, to `serverUser`.
 * @param {string} folder
 */
export async function giveToServer(folder) {
  if (serverUser === undefined) return
  const entries = await readdir(folder, { recursive: true })
  for (const path of [folder, ...entries.map((entry) => join(folder, entry))]) await chown(path, serverUser, serverUser)
}

/** Lets everybody pass a scratch folder, whose data folder belongs to `serverUser`. @param {string} folder */
export function makePassable(folder) {
  return chmod(folder, 0o711)
}
