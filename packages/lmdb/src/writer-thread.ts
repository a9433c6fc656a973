import { Worker } from 'node:worker_threads'
import { failure } from './failures.ts'
import type { Kind, Operations } from './protocol.ts'

interface Place {
  readonly path: string
  readonly durable: boolean
  readonly maxSize: number | null
}

interface Asked {
  readonly operation: readonly unknown[]
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * The thread that writes, from here. While one batch is under way, all that arrives waits and goes as the next: so a transaction,
 * and a flush to disk where there is one, is shared by whoever came meanwhile.
 */
export class WriterThread {
  readonly #place: Place
  readonly #worker: Worker
  #waiting: Asked[] = []
  #underWay: Asked[] | undefined
  #isDeparting = false
  #died: Error | undefined
  readonly #ended: Promise<void>

  private constructor(place: Place, worker: Worker) {
    this.#place = place
    this.#worker = worker
    worker.on('message', (answers: unknown[]) => this.#answer(answers))
    worker.once('error', (error) => this.#die(error))
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#die(new Error('the thread that writes has ended'))
        resolve()
      })
    })
    worker.unref()
  }

  /** Starts the thread, which opens the environment, or makes it. */
  static start(place: Place): Promise<WriterThread> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./writer.js', import.meta.url), { workerData: place })
      const fail = (error: unknown): void => reject(failure(error, place.path))
      worker.once('error', fail)
      worker.once('message', (message: { failure?: object }) => {
        worker.off('error', fail)
        if (message.failure === undefined) resolve(new WriterThread(place, worker))
        else fail(message.failure)
      })
    })
  }

  /** Whether it ended by itself; nothing can be asked of it any more. */
  get isDead(): boolean {
    return this.#died !== undefined
  }

  ask<K extends Kind>(kind: K, ...ask: Operations[K]['ask']): Promise<Operations[K]['answer']> {
    return new Promise((resolve, reject) => {
      if (this.#died !== undefined) {
        reject(failure(this.#died, this.#place.path))
        return
      }
      this.#waiting.push({ operation: [kind, ...ask], resolve, reject })
      if (this.#underWay !== undefined || this.#isDeparting) return
      this.#isDeparting = true
      // What the same turn of the event loop asks for goes along.
      queueMicrotask(() => this.#send())
    })
  }

  /** Ends the thread when all that was asked is done, and the environment is flushed and closed. */
  async close(): Promise<void> {
    this.#worker.ref()
    this.#worker.postMessage('close')
    await this.#ended
  }

  #send(): void {
    this.#isDeparting = false
    if (this.#waiting.length === 0 || this.#died !== undefined) return
    this.#underWay = this.#waiting
    this.#waiting = []
    // An answer that is due holds the process; an idle thread does not.
    this.#worker.ref()
    this.#worker.postMessage(this.#underWay.map(({ operation }) => operation))
  }

  #answer(answers: unknown[]): void {
    const asked = this.#underWay ?? []
    this.#underWay = undefined
    this.#worker.unref()
    this.#send()
    for (const [at, { resolve, reject }] of asked.entries()) {
      const answer = answers[at] as { failure?: object } | null | boolean | number
      if (typeof answer === 'object' && answer?.failure !== undefined) reject(failure(answer.failure, this.#place.path))
      else resolve(answer as never)
    }
  }

  #die(error: Error): void {
    this.#died ??= error
    const asked = [...(this.#underWay ?? []), ...this.#waiting]
    this.#underWay = undefined
    this.#waiting = []
    for (const { reject } of asked) reject(failure(error, this.#place.path))
  }
}
