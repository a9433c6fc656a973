// Bare operations that are sent as one command when they come in one tick, as our stores send them.

/**
 * @template Item
 * @param {(items: readonly Item[]) => Promise<readonly unknown[]>} many answers in the order of the items
 * @returns {Promise<(item: Item) => Promise<any>>}
 */
export async function batched(many) {
  const { Batches } = await import('connect-databank/backend')
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
