import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { setBackgroundTimeout } from 'connect-databank/backend'

/** The time between two checkpoints while there are writes, in milliseconds. */
const CHECKPOINT_INTERVAL = 500

/** The number of pages from which the log is long. Most files have pages of 2 KiB. */
const LONG = 4_000
/** The number of pages from which its file is also truncated. */
const TOO_LONG = 16_000

/** The code of the thread, which makes checkpoints on request. */
const THREAD = `
const { parentPort, workerData: { module, path } } = require('node:worker_threads')
const Driver = module === 'node:sqlite' ? require(module).DatabaseSync : require(module)
const database = new Driver(path)
database.exec('pragma busy_timeout = 100; pragma synchronous = normal')
parentPort.on('message', (message) => {
  if (message === 'close') {
    database.close()
    return parentPort.close()
  }
  let pages = { log: 0 }
  try {
    pages = database.prepare('pragma wal_checkpoint(' + message + ')').get()
  } catch {
    // Another process makes one at this moment.
  }
  parentPort.postMessage(pages)
})`

/**
 * The disk work of SQLite's write-ahead log, outside the event loop: a flush of the log in Node.js' thread pool, and a checkpoint,
 * which moves the log's pages to the database file and flushes both, in a thread of its own.
 */
export class WriteAheadLog {
  readonly #path: string
  readonly #module: string | undefined
  readonly #onThreadFailed: () => void
  #file: FileHandle | undefined
  #flushing: Promise<void> = Promise.resolve()
  #nextFlush: Promise<void> | undefined
  #thread: Worker | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isCheckpointing = false
  #resume: (() => void) | undefined
  #hasFailed = false
  #isClosed = false

  /** While it is a promise, writers wait until it resolves. */
  pause: Promise<void> | undefined

  /**
   * @param module what the thread requires: `node:sqlite`, or the path of better-sqlite3
   * @param onThreadFailed called if the thread fails: from then on, this class makes no checkpoints
   */
  constructor(path: string, module: string | undefined, onThreadFailed: () => void) {
    this.#path = path
    this.#module = module
    this.#onThreadFailed = onThreadFailed
  }

  /** Resolves when all earlier commits are on disk. Calls during a flush share the next one. */
  flush(): Promise<void> {
    this.#nextFlush ??= this.#flushing
      .catch(() => {}) // Concerns those who waited for it.
      .then(() => {
        this.#nextFlush = undefined
        this.#flushing = this.#flush()
        return this.#flushing
      })
    return this.#nextFlush
  }

  /** Called after each commit: a checkpoint follows soon. */
  checkpointSoon(): void {
    this.#timer ??= setBackgroundTimeout(() => this.#checkpoint(), CHECKPOINT_INTERVAL)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#flushing.catch(() => {})
    await this.#file?.close()
    if (this.#thread === undefined || this.#hasFailed) return
    const ended = once(this.#thread, 'exit')
    this.#thread.ref()
    this.#thread.postMessage('close')
    await ended.catch(() => {})
  }

  async #flush(): Promise<void> {
    // Closing this file releases no lock of SQLite: those are on the other two.
    this.#file ??= await open(`${this.#path}-wal`, 'r+')
    await this.#file.datasync()
  }

  #checkpoint(): void {
    this.#timer = undefined
    if (this.#hasFailed) return
    if (this.#isCheckpointing) {
      this.checkpointSoon()
      return
    }
    try {
      this.#thread ??= this.#startThread()
    } catch {
      this.#fail() // A process may have no right to start threads.
      return
    }
    this.#isCheckpointing = true
    this.#thread.postMessage('passive')
  }

  /**
   * A passive checkpoint does not block writers, so it never reaches the end of a busy log. When the log is long, writers wait for the
   * short rest, and then the log starts again at its beginning.
   */
  #checkpointed({ log }: { log: number }): void {
    if (this.pause !== undefined || this.#isClosed || log <= LONG) {
      this.#isCheckpointing = false
      this.#endPause()
      return
    }
    this.pause = new Promise((resolve) => {
      this.#resume = resolve
    })
    // Writers wait for it: the process must not end meanwhile.
    this.#thread?.ref()
    this.#thread?.postMessage(log > TOO_LONG ? 'truncate' : 'restart')
  }

  #endPause(): void {
    if (!this.#isClosed) this.#thread?.unref()
    this.#resume?.()
    this.pause = undefined
  }

  #fail(): void {
    this.#hasFailed = true
    this.#endPause()
    this.#onThreadFailed()
  }

  #startThread(): Worker {
    if (this.#module === undefined) throw new Error('the path of better-sqlite3 is not known')
    const workerData = { module: this.#module, path: this.#path }
    const thread = new Worker(THREAD, { eval: true, workerData, execArgv: ['--no-warnings'] })
    thread.on('message', (pages) => this.#checkpointed(pages))
    thread.once('error', () => this.#fail())
    // After the listeners: one of them would keep the process alive again.
    thread.unref()
    return thread
  }
}
