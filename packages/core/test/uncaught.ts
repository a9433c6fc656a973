import { afterEach, beforeEach } from 'vitest'

/** Collects the uncaught exceptions and unhandled rejections of the process while a test runs. */
export function collectUncaught(): unknown[] {
  const uncaught: unknown[] = []
  const collect = (error: unknown) => uncaught.push(error)
  let others: { exception: NodeJS.UncaughtExceptionListener[]; rejection: NodeJS.UnhandledRejectionListener[] }

  beforeEach(() => {
    uncaught.length = 0
    others = { exception: process.listeners('uncaughtException'), rejection: process.listeners('unhandledRejection') }
    process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
    process.on('uncaughtException', collect).on('unhandledRejection', collect)
  })

  afterEach(() => {
    process.removeListener('uncaughtException', collect).removeListener('unhandledRejection', collect)
    for (const listener of others.exception) process.on('uncaughtException', listener)
    for (const listener of others.rejection) process.on('unhandledRejection', listener)
  })
  return uncaught
}
