import { BANK_METHODS, type Bank, DatabankError, extend, limitSteps } from 'connect-databank/backend'

const LISTINGS: readonly string[] = ['scan', 'idsOf']
const LONG: readonly string[] = ['count', 'clear', 'purge']
/** An operation of the database on all sessions may take this many times the time-out, as in the store. */
const LONG_FACTOR = 12

/** A layer that bounds each operation by a time-out in milliseconds, and each step of a listing. */
export function withDeadlines(bank: Bank, timeout: number): Bank {
  const overrides: Record<string, unknown> = {}
  for (const name of BANK_METHODS) {
    const method = bank[name]?.bind(bank) as ((...args: unknown[]) => unknown) | undefined
    if (method === undefined) continue
    const limit = LONG.includes(name) ? timeout * LONG_FACTOR : timeout
    overrides[name] = LISTINGS.includes(name)
      ? (...args: unknown[]) => limitSteps(method(...args) as AsyncIterable<unknown>, (step) => inTime(step, name, limit))
      : (...args: unknown[]) => inTime(method(...args) as Promise<unknown>, name, limit)
  }
  return extend(bank, overrides)
}

/** A layer whose listings end when the signal is aborted: work on a listing stops between two sessions. */
export function stoppable(bank: Bank, signal: AbortSignal): Bank {
  return extend(bank, {
    scan: bank.scan && (() => untilAborted(bank.scan!(), signal)),
    idsOf: bank.idsOf && ((owner) => untilAborted(bank.idsOf!(owner), signal)),
  })
}

async function* untilAborted<Item>(items: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item, void, undefined> {
  for await (const item of items) {
    if (signal.aborted) return
    yield item
  }
}

async function inTime<T>(promise: Promise<T>, operation: string, timeout: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = () => new DatabankError('DATABANK_TIMEOUT', `${operation}: no answer within ${timeout} ms`)
    timer = setTimeout(() => reject(error()), timeout)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
