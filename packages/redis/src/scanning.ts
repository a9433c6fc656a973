/** How many keys are remembered. */
const MEMORY = 20_000

/**
 * The pages of a SCAN, without the keys that it gave before. SCAN repeats keys when the server's table shrinks under it, and
 * then only those of the buckets where it stands: so it is enough to remember the last ones, and memory stays bounded.
 */
export async function* withoutRepeats(pages: AsyncIterable<string[]>): AsyncGenerator<string[]> {
  const seen = new Set<string>()
  for await (const page of pages) {
    const fresh: string[] = []
    for (const key of page) {
      if (seen.has(key)) continue
      seen.add(key)
      fresh.push(key)
    }
    if (fresh.length > 0) yield fresh
    for (const oldest of seen) {
      if (seen.size <= MEMORY) break
      seen.delete(oldest)
    }
  }
}
