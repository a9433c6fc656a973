import { runInThisContext } from 'node:vm'

/** An error that a check throws on purpose, for example from a callback. It is never a failure. */
export class Provoked extends Error {
  override name = 'Provoked'
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const
type Listener = (...args: unknown[]) => void

/** Jest gives tests a copy of `process`, whose listeners are not called. */
const realProcess = runInThisContext('process') as NodeJS.Process

const active = new Set<unknown[]>()
let displaced: [event: string, listener: Listener][] = []

/**
 * Runs something, and collects the uncaught exceptions and unhandled rejections of the process meanwhile, except provoked ones. The
 * test runner's own listeners are removed for that time: an error belongs to the check that caused it.
 */
export async function capture<Result>(run: () => Promise<Result>): Promise<{ result: Result; uncaught: Error[] }> {
  const errors: unknown[] = []
  if (active.size === 0) install()
  active.add(errors)
  try {
    const result = await run()
    // An unhandled rejection is reported one turn of the event loop after it happened.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    return { result, uncaught: errors.filter((error) => !(error instanceof Provoked)).map(toError) }
  } finally {
    active.delete(errors)
    if (active.size === 0) restore()
  }
}

/** Any thrown value as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`, { cause: thrown })
}

function collect(error: unknown): void {
  for (const errors of active) errors.push(error)
}

function install(): void {
  for (const event of EVENTS) {
    for (const listener of realProcess.rawListeners(event) as Listener[]) displaced.push([event, listener])
    realProcess.removeAllListeners(event)
    realProcess.on(event, collect)
  }
}

function restore(): void {
  for (const event of EVENTS) realProcess.off(event, collect)
  for (const [event, listener] of displaced) realProcess.on(event, listener)
  displaced = []
}
