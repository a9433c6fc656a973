import { once } from 'node:events'
import { visible } from './text.ts'

/** The environment of a command: streams, variables, directory, and a signal that stops it. */
export interface Surroundings {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  /** Aborted by Ctrl-C: a command stops between two sessions. */
  readonly signal: AbortSignal
}

/** The width without a terminal, in columns. */
const DEFAULT_COLUMNS = 80

/** Prints results to standard output, and messages to standard error. */
export class Terminal {
  readonly #surroundings: Surroundings
  readonly #reader = new AbortController()
  #outputError: Error | undefined
  /** Aborted by Ctrl-C, or when standard output has failed or was closed. */
  readonly signal: AbortSignal

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.signal = AbortSignal.any([surroundings.signal, this.#reader.signal])
    // Work continues without its messages.
    surroundings.stderr.on('error', () => {})
    surroundings.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') this.#outputError ??= error
      this.#reader.abort()
    })
  }

  get env(): NodeJS.ProcessEnv {
    return this.#surroundings.env
  }

  get stdin(): NodeJS.ReadStream {
    return this.#surroundings.stdin
  }

  get stdout(): NodeJS.WriteStream {
    return this.#surroundings.stdout
  }

  get stderr(): NodeJS.WriteStream {
    return this.#surroundings.stderr
  }

  /** The failure of standard output, such as a full disk. A reader that closes the pipe is not a failure. */
  get outputError(): Error | undefined {
    return this.#outputError
  }

  /** Whether Ctrl-C stopped the command. */
  get isStopped(): boolean {
    return this.#surroundings.signal.aborted
  }

  get isInteractive(): boolean {
    return this.stdin.isTTY === true && this.stderr.isTTY === true
  }

  /** The width of standard output, in columns. */
  get columns(): number {
    return this.stdout.columns || DEFAULT_COLUMNS
  }

  /** Prints a line of results. Waits while the reader is slower, so that memory stays bounded. */
  async print(line: string): Promise<void> {
    if (this.#reader.signal.aborted) return
    if (this.stdout.write(`${line}\n`)) return
    // Without a reader there is no `drain`.
    await once(this.stdout, 'drain', { signal: this.#reader.signal }).catch(() => {})
  }

  /** Prints an object as one line of JSON, without characters that a terminal would execute. */
  printJson(value: object): Promise<void> {
    const isC1 = /[\u007f-\u009f]/g
    return this.print(JSON.stringify(value).replace(isC1, (character) => `\\u00${character.charCodeAt(0).toString(16)}`))
  }

  /** Prints a message on standard error, because it is not a result. */
  say(message: string): void {
    this.stderr.write(`${visible(message)}\n`)
  }
}
