import { readlinkSync, statSync } from 'node:fs'
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
