import { DatabankError, type ErrorCode } from '../errors.ts'
import { closedError } from './error-codes.ts'
import { setBackgroundTimeout } from './timers.ts'

/** How a bank connects to its database. */
export interface LifecycleOptions<Handle> {
  /** The bank's name in messages, such as `RedisBank`. */
  readonly name: string
  /** Connects. Called on first use, and again after a failure. Its rejections go through `errorOf`. */
  open(): Promise<Handle>
  /** Closes what `open` made. Omit it for the caller's own client. */
  close?(handle: Handle): Promise<void>
  /** Turns the database's errors into coded ones. */
  errorOf(error: unknown): Error & { code: ErrorCode }
  /** How many operations may be under way at once; more reject with `DATABANK_UNAVAILABLE`. Default: 10,000. */
  readonly maxPending?: number | undefined
  /**
   * How long `close` waits for operations under way, and then for the handle to close, each in
   * milliseconds. Default: 5,000.
   */
  readonly closeTimeout?: number
}

const DEFAULT_MAX_PENDING = 10_000
const DEFAULT_CLOSE_TIMEOUT = 5_000

/**
 * The lifecycle of a bank's connection, the same for every bank: connect once, on first use; try again after a failure; refuse
 * operations when too many are under way, or after `close`; close once, after the operations under way have ended.
 */
export class Lifecycle<Handle> {
  readonly #options: LifecycleOptions<Handle>
  readonly #maxPending: number
  /** How many operations are under way. */
  #pending = 0
  /** Called when no operation is under way. */
  #onIdle: (() => void) | undefined
  #handle: Handle | undefined
  #opening: Promise<Handle> | undefined
  #closing: Promise<void> | undefined

  constructor(options: LifecycleOptions<Handle>) {
    this.#options = options
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Runs work on the connected handle. Rejects with a coded error only.
   *
   * @param operations the number of the caller's operations in the work, for `maxPending`: a batch has several
   */
  run<T>(work: (handle: Handle) => Promise<T>, operations = 1): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedError(this.#options.name))
    if (this.#pending >= this.#maxPending) {
      const message = `${this.#options.name}: ${this.#maxPending} operations are under way already (maxPending)`
      return Promise.reject(new DatabankError('DATABANK_UNAVAILABLE', message))
    }
    this.#pending += operations
    const result = this.#handle === undefined ? this.#connect().then(work) : this.#start(work, this.#handle)
    return result.then(
      (value) => {
        this.#end(operations)
        return value
      },
      (error) => {
        this.#end(operations)
        throw this.#errorOf(error)
      },
    )
  }

  /** Streams what `list` gives of the connected handle, until the bank is closed. Rejects with a coded error only. */
  async *stream<Item>(list: (handle: Handle) => AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
    const handle = await this.run(async (connected) => connected)
    try {
      for await (const item of list(handle)) {
        // A client that was handed in stays open, and would go on.
        if (this.isClosed) throw closedError(this.#options.name)
        yield item
      }
    } catch (error) {
      throw this.#errorOf(error)
    }
  }

  /** Connects now, or rejects now with a coded error. */
  async open(): Promise<void> {
    await this.run(async () => undefined)
  }

  /** Forgets a handle that has failed: the next operation connects again. Does not close it. */
  forget(handle: Handle): void {
    if (this.#handle !== handle) return
    this.#handle = undefined
    this.#opening = undefined
  }

  /** Ends the connection after the operations under way have ended. Later operations reject with `DATABANK_CLOSED`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #start<T>(work: (handle: Handle) => Promise<T>, handle: Handle): Promise<T> {
    try {
      return work(handle)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #connect(): Promise<Handle> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<Handle> {
    try {
      this.#handle = await this.#options.open()
      return this.#handle
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  async #close(): Promise<void> {
    const opening = this.#opening
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    if (this.#pending > 0) await this.#withinTime(idle)
    if (opening === undefined || this.#options.close === undefined) return
    // Without a connection there is nothing to close. A connection that opens later is closed then.
    await this.#withinTime(opening.then((handle) => this.#options.close?.(handle)).catch(() => undefined))
  }

  #end(operations: number): void {
    this.#pending -= operations
    if (this.#pending === 0) this.#onIdle?.()
  }

  /** Ends when the work has ended, at the latest after `closeTimeout`. */
  async #withinTime(work: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const timedOut = new Promise<void>((resolve) => {
      timer = setBackgroundTimeout(resolve, this.#options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT)
    })
    await Promise.race([work, timedOut])
    clearTimeout(timer)
  }

  /** A failure while the bank is being closed is reported as `DATABANK_CLOSED`. */
  #errorOf(error: unknown): Error {
    const mapped = this.#options.errorOf(error)
    const isConnectionLost = mapped.code === 'DATABANK_UNAVAILABLE' || mapped.code === 'DATABANK_BACKEND_FAILED'
    return this.#closing !== undefined && isConnectionLost ? closedError(this.#options.name) : mapped
  }
}
