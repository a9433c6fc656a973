import { isCoded } from 'connect-databank/backend'

/** The exit codes, as the README lists them. `doctor` has two of its own. */
export const EXIT = {
  done: 0,
  /** The database failed, or a part of the work was not done. */
  failed: 1,
  /** Wrong arguments, options, or configuration: nothing was done. */
  usage: 2,
  /** No session has this id, or several have. */
  notFound: 3,
  warnings: 4,
  failures: 5,
  /** Ctrl-C, as shells have it: 128 and the number of the signal. */
  stopped: 130,
} as const

/** An error that ends the command with one sentence and an exit code. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.usage) {
    super(message)
    this.exitCode = exitCode
  }
}

const USAGE_CODES: readonly string[] = [
  'DATABANK_INVALID_OPTION',
  'DATABANK_INVALID_ID',
  'DATABANK_UNKNOWN_SCHEME',
  'DATABANK_MISSING_PACKAGE',
  'DATABANK_NOT_SUPPORTED',
]

/** The message for an error, and the exit code. */
export function describeError(error: unknown): { message: string; exitCode: number } {
  if (error instanceof Failure) return { message: error.message, exitCode: error.exitCode }
  const message = (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ')
  if (!isCoded(error)) return { message, exitCode: EXIT.failed }
  const exitCode = USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed
  return { message: `${message} (${error.code})`, exitCode }
}
