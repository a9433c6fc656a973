import type { Bank, Entry } from '../bank.ts'
import { Gathering } from '../gathering.ts'

type Move = readonly [id: string, expires: number | null]

/**
 * A layer that sends reads, and touches, which come in together or while others are under way, as one `readMany` or `touchMany`.
 *
 * - A lone operation is not delayed: it goes out, as `read` or `touch`, when the callback that asked for it has ended.
 * - What was asked for in one callback of the event loop goes out as one. While a request is under way, what comes waits for its
 *   answer, or until there are 16: at most four requests are under way, of at most 128 each. Nobody waits for longer than 4 ms: a
 *   hung request holds up nobody.
 * - Each operation keeps its own outcome. If a batch fails because of one of its members, all are asked for singly; if the
 *   backend as a whole fails, each gets an error of its own that says so.
 * - An operation that is called after another was answered takes effect after it. Those of one id that overlap may take effect
 *   in either order, but a touch goes out before a `save` or `swap` of its id that was called later. Reads of one id that wait
 *   together share one answer.
 *
 * All other methods are the bank's own. A bank that has neither `readMany` nor `touchMany` is given back as it is.
 */
export function coalesce(bank: Bank): Bank {
  const { readMany, touch, touchMany } = bank
  if (readMany === undefined && (touch === undefined || touchMany === undefined)) return bank
  const layer = passThrough(bank)
  const gatherings: { leave(): void }[] = []

  if (readMany !== undefined) {
    const reads = new Gathering<string, Entry | null>(
      (id) => bank.read(id),
      (ids) => readMany.call(bank, ids),
    )
    gatherings.push(reads)
    layer.read = (id) => reads.ask(id)
  }

  if (touch !== undefined && touchMany !== undefined) {
    const touches = new Gathering<Move, void>(
      ([id, expires]) => touch.call(bank, id, expires),
      async (moves) => {
        await touchMany.call(bank, moves)
        return new Array<void>(moves.length)
      },
    )
    gatherings.push(touches)
    layer.touch = (id, expires) => touches.ask([id, expires])
    sendTouchesBeforeWrites(layer, touches)
  }

  sendAllBeforeClose(layer, gatherings)
  return layer
}

/** The bank's own methods, those that it has. */
function passThrough(bank: Bank): Bank {
  const { touch, swap, readMany, touchMany, scan, count, clear, purge, open, close } = bank
  return {
    read: bank.read.bind(bank),
    save: bank.save.bind(bank),
    delete: bank.delete.bind(bank),
    ...(touch && { touch: touch.bind(bank) }),
    ...(swap && { swap: swap.bind(bank) }),
    ...(readMany && { readMany: readMany.bind(bank) }),
    ...(touchMany && { touchMany: touchMany.bind(bank) }),
    ...(scan && { scan: scan.bind(bank) }),
    ...(count && { count: count.bind(bank) }),
    ...(clear && { clear: clear.bind(bank) }),
    ...(purge && { purge: purge.bind(bank) }),
    ...(open && { open: open.bind(bank) }),
    ...(close && { close: close.bind(bank) }),
  }
}

/** A touch that waits must not land on what is written after it, and give that the death it brings. */
function sendTouchesBeforeWrites(layer: Bank, touches: Gathering<Move, void>): void {
  const { save, swap } = layer
  const sendTouchesOf = (id: string) => {
    if (touches.isWaiting((move) => move[0] === id)) touches.leave()
  }
  layer.save = (id, entry) => {
    sendTouchesOf(id)
    return save(id, entry)
  }
  if (swap === undefined) return
  layer.swap = (id, expected, entry) => {
    sendTouchesOf(id)
    return swap(id, expected, entry)
  }
}

/** What waits was called before `close`, so the bank hears of it before. */
function sendAllBeforeClose(layer: Bank, gatherings: readonly { leave(): void }[]): void {
  const { close } = layer
  if (close === undefined) return
  layer.close = () => {
    for (const gathering of gatherings) gathering.leave()
    return close()
  }
}
