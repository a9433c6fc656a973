import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Creates the missing directories of the path. It does not use `recursive`, which reports a read-only file system as ENOENT, and never
 * returns for a path in /proc.
 *
 * @param mode the rights of the new directories. Default: those that the umask leaves
 */
export function makeDirectory(path: string, mode?: number): void {
  if (isDirectory(path)) return
  if (dirname(path) !== path) makeDirectory(dirname(path), mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
