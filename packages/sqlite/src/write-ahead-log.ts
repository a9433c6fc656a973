import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { setBackgroundTimeout } from 'connect-databank/backend'

/** The time between two checkpoints while there are writes, in milliseconds. */
const CHECKPOINT_INTERVAL = 500

/**
 * What the thread runs. A checkpoint lets writers go on, so that the log is never at its end while they write: when the log is long,
 * a second one stops them for the short rest, and the log begins anew.
 */
const THREAD = `
const { parentPort, workerData: { module, path } } = require('node:worker_threads')
const Driver = module === 'node:sqlite' ? require(module).DatabaseSync : require(module)
const database = new Driver(path)
database.exec('pragma busy_timeout = 10; pragma synchronous = normal')
const [passive, restart] = ['passive', 'restart'].map((mode) => database.prepare('pragma wal_checkpoint(' + mode + ')'))
parentPort.on('message', (message) => {
  if (message === 'close') {
    database.close()
    return parentPort.close()
  }
  try {
    const { log, checkpointed } = passive.get()
    if (log > 2000 && log > checkpointed) restart.get()
  } catch {
    // Another process has the lock for checkpoints: then it does the work.
  }
  parentPort.postMessage('done')
})`

/**
 * The disk work of SQLite's write-ahead log, outside the event loop: a flush of the log in Node.js' thread pool, and a checkpoint,
 * which moves the log's pages to the database file and flushes both, in a thread of its own.
 */
export class WriteAheadLog {
  readonly #path: string
  readonly #module: string
  readonly #onThreadFailed: () => void
  #file: FileHandle | undefined
  #flushing: Promise<void> = Promise.resolve()
  #nextFlush: Promise<void> | undefined
  #thread: Worker | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isCheckpointing = false
  #hasFailed = false

  /**
   * @param module what the thread requires: `node:sqlite`, or the path of better-sqlite3
   * @param onThreadFailed called if there is no thread: from then on, nothing makes checkpoints here
   */
  constructor(path: string, module: string, onThreadFailed: () => void) {
    this.#path = path
    this.#module = module
    this.#onThreadFailed = onThreadFailed
  }

  /** Resolves when everything is on disk that was committed before the call. Calls during a flush share the next one. */
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
    this.#isCheckpointing = true
    this.#thread ??= this.#startThread()
    this.#thread.postMessage('checkpoint')
  }

  #startThread(): Worker {
    const workerData = { module: this.#module, path: this.#path }
    const thread = new Worker(THREAD, { eval: true, workerData, execArgv: ['--no-warnings'] })
    thread.unref()
    thread.on('message', () => {
      this.#isCheckpointing = false
    })
    thread.once('error', () => {
      this.#hasFailed = true
      this.#onThreadFailed()
    })
    return thread
  }
}
