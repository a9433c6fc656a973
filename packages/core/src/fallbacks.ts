import { TimeSlice } from './backend/time-slice.ts'
import { type Bank, type Entry, isLive, type Stored, versionOf } from './bank.ts'
import { DatabankError } from './errors.ts'
import { type Cancellation, ignore, throwIfCancelled } from './operation.ts'
import { publishEvent } from './tracing.ts'

/**
 * Replacements for the capabilities that a bank lacks. They are not atomic: between processes that is impossible. If a fallback is a read
 * and a write, the caller must prevent other writes of this process in between.
 */

/**
 * The entry if it is live. If an entry was live at the call and has expired when the answer arrives, it may have been extended in
 * between. Then it is read again.
 */
export async function readLive(bank: Bank, id: string): Promise<Stored | null> {
  for (;;) {
    const askedAt = Date.now()
    const stored = await bank.read(id)
    if (isLive(stored, Date.now())) return stored
    if (!isLive(stored, askedAt)) return null
  }
}

/** Compare-and-swap; without the capability, a read and a save. Returns the new version, or null if it did not swap. */
export function swap(
  bank: Bank,
  id: string,
  expected: string | null,
  entry: Entry,
  cancellation: Cancellation,
): Promise<string | null> {
  return bank.swap === undefined
    ? swapBySave(bank, id, expected, entry, cancellation)
    : bank.swap(id, expected, entry, Date.now())
}

async function swapBySave(...[bank, id, expected, entry, cancellation]: Parameters<typeof swap>): Promise<string | null> {
  const stored = await readLive(bank, id)
  if ((stored === null ? null : versionOf(stored)) !== expected) return null
  throwIfCancelled(cancellation, 'set')
  return (await bank.save(id, entry)) ?? entry.payload
}

/** Changes the expiry only; without the capability, by writing the payload that was read. */
export function touch(bank: Bank, id: string, expires: number | null, cancellation: Cancellation): Promise<void> {
  return bank.touch === undefined ? touchBySwap(bank, id, expires, cancellation) : bank.touch(id, expires, Date.now())
}

async function touchBySwap(bank: Bank, id: string, expires: number | null, cancellation: Cancellation): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const stored = await readLive(bank, id)
    if (stored === null) return
    throwIfCancelled(cancellation, 'touch')
    const { payload, owner = null } = stored
    if ((await swap(bank, id, versionOf(stored), { payload, expires, owner }, cancellation)) !== null) return
    await pauseBeforeRetry(bank, attempt, cancellation, 'touch')
  }
}

/** After this many attempts a retry waits. */
const IMMEDIATE_RETRIES = 3
/** The longest wait between two attempts, in milliseconds. */
const LONGEST_PAUSE = 50

/**
 * To be called between two attempts to swap. The event loop runs between them after the first few, so that a swap which keeps failing
 * blocks nothing, and ends with the operation's deadline.
 */
export async function pauseBeforeRetry(
  { name }: Bank,
  attempt: number,
  cancellation: Cancellation,
  operation: string,
): Promise<void> {
  publishEvent('retry', name)
  if (attempt >= IMMEDIATE_RETRIES) {
    const longest = Math.min(2 ** (attempt - IMMEDIATE_RETRIES), LONGEST_PAUSE)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest))
  }
  throwIfCancelled(cancellation, operation)
}

/** @throws DATABANK_NOT_SUPPORTED if the bank cannot list its entries */
export function scan(bank: Bank): AsyncIterable<readonly [id: string, stored: Stored]> {
  if (bank.scan === undefined) {
    throw new DatabankError('DATABANK_NOT_SUPPORTED', 'this bank cannot list its sessions: it has no scan()')
  }
  return bank.scan()
}

/**
 * The same items, with a limit of time for each step. When the caller ends early, or a step fails, this ends the source.
 *
 * @param limit rejects in time if the step does not end
 */
export async function* limitSteps<Item>(
  items: AsyncIterable<Item>,
  limit: <T>(step: Promise<T>) => Promise<T>,
): AsyncGenerator<Item, void, undefined> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await limit(iterator.next())
      if (step.done) return
      yield step.value
    }
  } finally {
    // Not awaited: a bank that hangs must not make us hang.
    Promise.resolve(iterator.return?.()).catch(ignore)
  }
}

/** Several reads at once; without the capability, one by one at the same time. */
export function readMany(bank: Bank, ids: readonly string[]): Promise<(Stored | null)[]> {
  return bank.readMany === undefined ? Promise.all(ids.map((id) => bank.read(id))) : bank.readMany(ids)
}

/** How many operations a fallback has under way at once. */
export const CONCURRENCY = 64

/**
 * Does the work for each item, at most 64 at once, in time slices. A failure does not end it: the other items are still done, and the
 * first failure is thrown at the end.
 */
export async function forEachConcurrently<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const slice = new TimeSlice()
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for await (const item of items) {
      const done: Promise<void> = work(item)
        .catch((error) => void failures.push(error))
        .then(() => void underWay.delete(done))
      underWay.add(done)
      if (underWay.size >= CONCURRENCY) await Promise.race(underWay)
      if (slice.isUsedUp()) await slice.yield()
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failures.length > 0) throw failures[0]
}
