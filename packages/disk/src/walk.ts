import fs from 'node:fs'
import { join } from 'node:path'
import { codeIn } from './failure.ts'
import { readDeath, readSession } from './files.ts'
import { type Home, readOwner, removeIfThere } from './home.ts'
import { hashOf, kindOf, ownersFolder, shardFolders, tokenOf } from './layout.ts'
import { removeIfStale } from './locks.ts'
import { type State, stateOf } from './owner.ts'
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
    for (const name of await namesIn(folder)) {
      await pace.turn()
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
    if (death !== null && 'expires' in death && (death.expires === null || death.expires > now)) living++
  }
  return living
}

/** Removes a lock or a temporary file if its process is dead. */
export function removeLeftOver(home: Home, { path, name }: Found, stateOfToken: (token: string) => State): void {
  if (kindOf(name) === 'lock') removeIfStale(home, path)
  if (kindOf(name) !== 'temporary') return
  const state = stateOfToken(tokenOf(name))
  if (state === 'dead' || (state === 'unknown' && isOld(path))) removeIfThere(path)
}

/**
 * The owner files of the dead. What they left elsewhere must be removed first: their temporary files are told by the owner.
 * A process that lives and misses its file makes another one, so that the limit for those out of sight may be short.
 */
export async function findDeadOwners(root: string): Promise<string[]> {
  const dead: string[] = []
  for (const name of await namesIn(join(root, ownersFolder))) {
    const path = join(root, ownersFolder, name)
    if (!/^[0-9a-f]{24}$/.test(name)) continue
    const state = ownerState(path)
    if (state === 'dead' || (state === 'unknown' && isOld(path))) dead.push(path)
  }
  return dead
}

/** What has become of the process with this token, asked once. Without an owner file it has left, or is told to make a new one. */
export function ownerStates(root: string): (token: string) => State {
  const known = new Map<string, State>()
  return (token) => {
    const state = known.get(token) ?? ownerState(join(root, ownersFolder, token))
    known.set(token, state)
    return state
  }
}

function ownerState(path: string): State {
  const owner = readOwner(path)
  if (owner === undefined) return 'dead'
  return owner === null ? 'unknown' : stateOf(owner)
}

function isOld(path: string): boolean {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.ctimeMs > unseenLimit
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.promises.readdir(folder)
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return []
    throw error
  }
}
