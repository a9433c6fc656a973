import { mkdirSync, readlinkSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { MEMORY } from './options.ts'

/** How many links to links are followed. */
const MOST_LINKS = 40

/** The identity of the file at a path, or undefined. */
export function fileAt(path: string): string | undefined {
  if (path === MEMORY) return path
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}

/**
 * Creates what is missing of the path. Not with `recursive`, which reports a read-only file system as ENOENT, and never returns for a
 * path in /proc.
 */
export function makeDirectory(path: string): void {
  if (isDirectory(path)) return
  if (dirname(path) !== path) makeDirectory(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Creates an empty file for this user alone, if there is none: session ids are credentials. The log beside it gets the same mode. */
export async function createPrivate(path: string): Promise<void> {
  try {
    const file = await open(targetOf(path), 'ax', 0o600)
    await file.close()
  } catch {
    // It exists already, or SQLite reports why it cannot be created.
  }
}

/** The path that a link names, which need not exist; the path itself if it is no link. */
function targetOf(path: string, links = 0): string {
  let target: string
  try {
    target = readlinkSync(path)
  } catch {
    return path
  }
  return links === MOST_LINKS ? path : targetOf(resolve(dirname(path), target), links + 1)
}
