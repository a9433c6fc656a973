/** How many sessions are worked on at once. */
const CONCURRENCY = 16

/** Does the work for each item, several at once. After a failure no more are begun; the first failure is thrown at the end. */
export async function forEach<Item>(items: AsyncIterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for await (const item of items) {
      const done: Promise<void> = work(item)
        .catch((error) => {
          failures.push(error)
        })
        .finally(() => underWay.delete(done))
      underWay.add(done)
      if (underWay.size >= CONCURRENCY) await Promise.race(underWay)
      if (failures.length > 0) break
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failures.length > 0) throw failures[0]
}
