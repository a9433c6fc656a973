// The processes of a backend's stores, and the rounds that interleave them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratchFolder } from '../../testing/program.js'
import { backendOf } from '../stores/index.js'

/** How long a job may take, in milliseconds. */
const LIMIT = 600_000

/**
 * What a table says about a store.
 * @typedef {{ name: string, ours: boolean, limit: boolean, tuned: boolean, touchesLess: boolean }} About
 */

/** @param {import('../stores/index.js').MeasuredStore} store @returns {About} */
function aboutOf({ name, ours = false, limit = false, tuned = false, touchesLess = false }) {
  return { name, ours, limit, tuned, touchesLess }
}

/** Those of running workers. A run that is stopped leaves none. @type {Set<string>} */
const folders = new Set()
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** One store in a process of its own. */
export class Worker {
  /** @param {string} backend @param {number} index @param {import('../stores/index.js').MeasuredStore} store */
  constructor(backend, index, store) {
    this.backend = backend
    this.index = index
    this.name = store.name
    this.operations = store.operations
    this.about = aboutOf(store)
  }

  /** @param {string} url @param {string} [namespace] */
  async start(url, namespace = `bench-${this.index}`) {
    this.folder = await scratchFolder()
    folders.add(this.folder.path)
    this.process = fork(join(import.meta.dirname, 'worker.js'), {
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await this.do('open', this.backend, this.index, { url, namespace, folder: this.folder.path })
    return this
  }

  /**
   * Runs a job in the worker's process.
   * @param {string} job
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  async do(job, ...args) {
    const child = /** @type {import('node:child_process').ChildProcess} */ (this.process)
    const end = new AbortController()
    const ended = once(child, 'exit', { signal: end.signal }).then(() => ({ error: 'its process ended' }))
    const late = sleep(LIMIT, { error: `no answer in ${LIMIT} ms` }, { signal: end.signal })
    const answered = once(child, 'message', { signal: end.signal }).then(([message]) => message)
    const waits = [answered, ended, late]
    for (const wait of waits) wait.catch(() => {})
    child.send({ job, args })
    const { error, answer } = await Promise.race(waits)
    end.abort()
    if (error !== undefined) throw new Error(`${this.name}, ${job}: ${error}`)
    return answer
  }

  async stop() {
    const child = this.process
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      await Promise.race([this.do('close').catch(() => {}), sleep(3_000, undefined, { ref: false })])
      child.kill('SIGKILL')
      await ended
    }
    if (this.folder === undefined) return
    await this.folder.remove()
    folders.delete(this.folder.path)
  }
}

/**
 * The stores of a backend that a question is put to.
 * @param {string} backend
 * @param {string} question
 * @param {(store: import('../stores/index.js').MeasuredStore) => boolean} [wanted]
 */
export async function workersOf(backend, question, wanted = () => true) {
  const { stores } = await backendOf(backend)
  return stores
    .map((store, index) => ({ store, index }))
    .filter(({ store }) => wanted(store) && (store.questions?.includes(question) ?? true))
    .map(({ store, index }) => new Worker(backend, index, store))
}

/**
 * Starts the workers; returns those that started, and why the others did not.
 * @param {Worker[]} workers
 * @param {string} url
 */
export async function startAll(workers, url) {
  const started = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const worker of workers) {
    try {
      started.push(await worker.start(url))
    } catch (error) {
      missing.add(error instanceof Error ? error.message : String(error))
      await worker.stop()
    }
  }
  return { started, missing }
}

/**
 * Rounds of all workers, one after the other, each round in an order of its own: what runs after what makes a difference. One warm-up round is
 * thrown away.
 * @template T
 * @param {Worker[]} workers
 * @param {number} rounds
 * @param {(worker: Worker) => Promise<T>} measure
 * @param {Set<string>} missing gets the reason of each worker that failed and is left out
 * @returns {Promise<Map<Worker, T[]>>}
 */
export async function interleaved(workers, rounds, measure, missing) {
  /** @type {Map<Worker, T[]>} */
  const results = new Map(workers.map((worker) => [worker, []]))
  for (let round = -1; round < rounds; round += 1) {
    const there = workers.filter((worker) => results.has(worker))
    for (const worker of shuffled(there)) {
      try {
        const result = await measure(worker)
        if (round >= 0) results.get(worker)?.push(result)
      } catch (error) {
        results.delete(worker)
        missing.add(error instanceof Error ? error.message : String(error))
      }
    }
  }
  return results
}

/** @template T @param {readonly T[]} items @returns {T[]} */
function shuffled(items) {
  const placed = items.map((item) => ({ item, place: Math.random() }))
  return placed.sort((one, other) => one.place - other.place).map(({ item }) => item)
}

/**
 * Prepares each worker; returns those that could be prepared.
 * @param {Worker[]} workers
 * @param {Set<string>} missing gets the reasons of the others
 * @param {(worker: Worker) => Promise<unknown>} work
 */
export async function prepared(workers, missing, work) {
  const ready = []
  for (const worker of workers) {
    try {
      await work(worker)
      ready.push(worker)
    } catch (error) {
      missing.add(error instanceof Error ? error.message : String(error))
    }
  }
  return ready
}
