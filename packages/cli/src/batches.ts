import { TimeSlice } from 'connect-databank/backend'

/** How many sessions are read at once, and written at the same time. */
const BATCH = 64

/** With time slices for others. */
export async function* batchesOf<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  size = BATCH,
): AsyncGenerator<Item[], void, undefined> {
  const slice = new TimeSlice()
  let batch: Item[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
    if (slice.isUsedUp()) await slice.yield()
  }
  if (batch.length > 0) yield batch
}

/** Waits for all, and then throws the first failure, so that no work continues after the call. */
export async function allSettled<T>(work: readonly (Promise<T> | T)[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
