import { type Bank, type Entry, isAlive } from './bank.ts'
import { requireInTime, type Task } from './deadline.ts'
import { DatabankError } from './errors.ts'
import { readLiving } from './living.ts'

/** What a bank lacks, made of what it has. Never an atomic operation: there is no correct way to make one. */

/** How long work on many entries keeps the event loop before others get their turn, in milliseconds. */
const slice = 4

/** Lets other work run when the current slice is used up. */
export class Pace {
  #sliceEnd = performance.now() + slice

  isDue(): boolean {
    return performance.now() > this.#sliceEnd
  }

  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#sliceEnd = performance.now() + slice
  }
}

/** @throws DATABANK_NOT_SUPPORTED if the bank cannot list its entries */
export function scan(bank: Bank): AsyncIterable<readonly [id: string, entry: Entry]> {
  if (bank.scan === undefined) {
    throw new DatabankError('DATABANK_NOT_SUPPORTED', 'this bank cannot list its sessions: it has no scan()')
  }
  return bank.scan()
}

/** How many live. */
export async function count(bank: Bank, now: number): Promise<number> {
  if (bank.count !== undefined) return bank.count(now)
  let living = 0
  const pace = new Pace()
  for await (const [, entry] of scan(bank)) {
    if (isAlive(entry, now)) living++
    if (pace.isDue()) await pace.rest()
  }
  return living
}

/**
 * Removes all entries; one that somebody else removed meanwhile is no failure.
 *
 * @param remove removes one in its turn: without `swap`, nothing else keeps a write that is under way from bringing it back
 */
export async function clear(bank: Bank, remove: (id: string) => Promise<unknown>): Promise<void> {
  if (bank.clear !== undefined && (bank.swap !== undefined || bank.scan === undefined)) return bank.clear()
  for await (const [id] of scan(bank)) await remove(id)
}

/** What a clean-up meets, for who wants to tell of it. */
export interface PurgeWatcher {
  alive?(id: string): void
  dead?(id: string): void
  deleted?(id: string, existed: boolean): void
  failed?(id: string, error: unknown): void
  done?(): void
}

/**
 * Frees the dead; answers how many. An entry is read again right before it is deleted, since it may have been renewed after
 * the scan saw it: what remains is the moment between these two commands.
 */
export async function purge(bank: Bank, now: () => number, watcher: PurgeWatcher = {}): Promise<number> {
  if (bank.purge !== undefined) return bank.purge(now())
  let freed = 0
  const pace = new Pace()
  for await (const [id, entry] of scan(bank)) {
    if (isAlive(entry, now())) watcher.alive?.(id)
    else if (await purgeOne(bank, id, now, watcher)) freed++
    if (pace.isDue()) await pace.rest()
  }
  watcher.done?.()
  return freed
}

async function purgeOne(bank: Bank, id: string, now: () => number, watcher: PurgeWatcher): Promise<boolean> {
  watcher.dead?.(id)
  try {
    const entry = await bank.read(id)
    if (isAlive(entry, now())) return false
    const existed = entry !== null && (await bank.delete(id))
    watcher.deleted?.(id, existed)
    return existed
  } catch (error) {
    if (watcher.failed === undefined) throw error
    watcher.failed(id, error)
    return false
  }
}

/**
 * Moves a death and nothing else. Without `touch`, the payload that was read is swapped for itself; without `swap`, it is saved
 * again, which is right as long as the caller lets nobody else of this process write, and the last write wins beyond it.
 */
export function touch(bank: Bank, id: string, expires: number | null, task: Task | undefined): Promise<void> {
  return bank.touch === undefined ? touchByWriting(bank, id, expires, task ?? { isGivenUp: false }) : bank.touch(id, expires)
}

async function touchByWriting(bank: Bank, id: string, expires: number | null, task: Task): Promise<void> {
  for (;;) {
    const entry = await readLiving(bank, id)
    if (entry === null) return
    requireInTime(task, 'touch')
    const moved = { payload: entry.payload, expires }
    if (bank.swap === undefined) return bank.save(id, moved)
    if (await bank.swap(id, entry.payload, moved)) return
  }
}

/**
 * Compare-and-swap where the bank has it. Where it has none, the same among the writes of this process, which take turns: the
 * caller holds the turn of this id until the task is given up. Between processes the last write wins there, and the documents say so.
 */
export function swapInTurn(bank: Bank, id: string, expected: string | null, entry: Entry, task: Task): Promise<boolean> {
  return bank.swap === undefined ? swapByReading(bank, id, expected, entry, task) : bank.swap(id, expected, entry)
}

async function swapByReading(bank: Bank, id: string, expected: string | null, entry: Entry, task: Task): Promise<boolean> {
  const stored = await readLiving(bank, id)
  if ((stored?.payload ?? null) !== expected) return false
  requireInTime(task, 'set')
  await bank.save(id, entry)
  return true
}
