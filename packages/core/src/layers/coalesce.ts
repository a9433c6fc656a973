import { Coalescer } from '../backend/coalescer.ts'
import { type Bank, extend, type Stored } from '../bank.ts'

type TouchArguments = Parameters<NonNullable<Bank['touch']>>

/**
 * A layer that sends simultaneous reads as one `readMany`, and simultaneous touches as one `touchMany`.
 *
 * - A single operation goes out when the callback that called it has ended.
 * - While a request is under way, operations wait for its answer, or until there are 16, for at most 4 ms. They do not wait if no
 *   request was ever faster than 0.8 ms: the server is far away. At most four requests are under way, of at most 128 operations
 *   each.
 * - Each operation keeps its own result. If a batch fails because of one of its members, its operations are sent singly.
 * - An operation that is called after another was answered takes effect after it. A touch goes out before a `save` or `swap`
 *   of its id that is called later.
 *
 * A bank that has neither `readMany` nor `touchMany` is returned as it is.
 */
export function coalesce(bank: Bank): Bank {
  const { readMany, touch, touchMany, swap, close } = bank
  const reads =
    readMany &&
    new Coalescer<string, Stored | null>(
      (id) => bank.read(id),
      (ids) => readMany.call(bank, ids),
    )
  const touches =
    touch &&
    touchMany &&
    new Coalescer<TouchArguments, void>(
      (args) => touch.apply(bank, args),
      async (all) => {
        // The latest time: an entry that has expired by then stays expired.
        const latest = Math.max(...all.map(([, , now]) => now))
        const pairs = all.map(([id, expires]) => [id, expires] as const)
        await touchMany.call(bank, pairs, latest)
        return new Array<void>(all.length)
      },
    )
  if (reads === undefined && touches === undefined) return bank

  /** A waiting touch must not take effect after a later write, and change its expiry. */
  const sendTouchesOf = (id: string): void => {
    if (touches?.isWaiting(([waiting]) => waiting === id)) touches.flush()
  }
  return extend(bank, {
    ...(reads && { read: (id) => reads.request(id) }),
    ...(touches && { touch: (...args) => touches.request(args) }),
    save(id, entry) {
      sendTouchesOf(id)
      return bank.save(id, entry)
    },
    ...(swap && {
      swap(id, expected, entry, now) {
        sendTouchesOf(id)
        return swap.call(bank, id, expected, entry, now)
      },
    }),
    ...(close && {
      close() {
        reads?.flush()
        touches?.flush()
        return close.call(bank)
      },
    }),
  })
}
