import fs from 'node:fs'
import { join } from 'node:path'
import { isPast } from './death.ts'
import { codeIn } from './failure.ts'
import { readDeath, readSession } from './files.ts'
import { type Home, removeIfThere } from './home.ts'
import { hashOf, kindOf, ownersFolder, shardFolders, tokenOf } from './layout.ts'
import { removeIfStale } from './locks.ts'
import { stateOf, type Token } from './owner.ts'
import type { Pace } from './pace.ts'
import type { FileRecord } from './record.ts'

/** What is told of a file that was passed over. */
export type Skip = (path: string, reason: string) => void

/** Temporary files and owner files of a process that cannot be seen from here: when nobody misses them, in milliseconds. */
const unseenLimit = 3_600_000

export interface Found {
  readonly path: string
  readonly name: string
  readonly folder: string
}

/** Everything in the folders where sessions lie, in slices. What is gone when its turn comes is for the caller to notice. */
export async function* walk(root: string, pace: Pace): AsyncGenerator<Found> {
  for (const folder of shardFolders(root)) {
    await pace.rest()
    for (const name of namesIn(folder)) {
      await pace.rest()
      yield { path: join(folder, name), name, folder }
    }
  }
}

export async function* scanSessions(root: string, pace: Pace, skip: Skip): AsyncGenerator<FileRecord> {
  for await (const { path, name } of walk(root, pace)) {
    if (kindOf(name) === 'foreign') skip(path, 'its name is none of this store')
    if (kindOf(name) !== 'session') continue
    const record = readSession(path)
    if (record === null) continue
    if ('broken' in record) skip(path, record.broken)
    else if (hashOf(record.id) !== name) skip(path, 'it is a copy of another session')
    else yield record
  }
}

export async function countSessions(root: string, pace: Pace, now: number): Promise<number> {
  let living = 0
  for await (const { path, name } of walk(root, pace)) {
    if (kindOf(name) !== 'session') continue
    const death = readDeath(path)
    if (death !== null && 'expires' in death && !isPast(death.expires, now)) living++
  }
  return living
}

/** Removes a lock or a temporary file if its process is dead. */
export function removeLeftOver(home: Home, { path, name }: Found): void {
  if (kindOf(name) === 'lock') removeIfStale(home, path)
  else if (isLeftOver(path, tokenOf(name))) removeIfThere(path)
}

/** Removes the owner files of the dead. A process that lives and misses its own makes another one. */
export function removeDeadOwners(root: string): void {
  for (const name of namesIn(join(root, ownersFolder))) {
    const path = join(root, ownersFolder, name)
    if (tokenOf(name) !== '' && isLeftOver(path, tokenOf(name))) removeIfThere(path)
  }
}

function isLeftOver(path: string, token: Token): boolean {
  const state = stateOf(token)
  if (state !== 'unknown') return state === 'dead'
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.ctimeMs > unseenLimit
}

/** Of a million sessions a folder holds 4,000. Most hold a few, and 256 times to the thread pool and back took longer than the rest. */
function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder)
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return []
    throw error
  }
}
