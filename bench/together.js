// Bare operations that go out as one where they come in one tick, as those of our stores do.

/**
 * @template Item
 * @param {(items: readonly Item[]) => Promise<readonly unknown[]>} many gives the answers where the items stood
 * @returns {Promise<(item: Item) => Promise<any>>}
 */
export async function together(many) {
  const { Batches } = await import('connect-databank')
  /** @typedef {{ item: Item, resolve: (answer: unknown) => void, reject: (error: unknown) => void }} Waiting */
  const send = async (/** @type {readonly Waiting[]} */ batch) => {
    try {
      const answers = await many(batch.map(({ item }) => item))
      for (const [place, { resolve }] of batch.entries()) resolve(answers[place])
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  const batches = new Batches(send)
  return (item) => new Promise((resolve, reject) => batches.add({ item, resolve, reject }))
}
