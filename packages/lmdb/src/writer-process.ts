import { type ChildProcess, fork } from 'node:child_process'
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
 * The process that writes, from here. While one batch is under way, all that arrives waits and goes as the next: so a transaction,
 * and a flush to disk where there is one, is shared by whoever came meanwhile.
 *
 * A process and no thread, because a process must open an environment once: when the client opens it a second time, it closes a
 * file that ends the process's locks on the environment (POSIX: to close any descriptor of a file ends all of a process's locks
 * on it). The next process to come would then take itself for the first, and make the locks anew under those who hold them.
 */
export class WriterProcess {
  readonly #place: Place
  readonly #child: ChildProcess
  #waiting: Asked[] = []
  #underWay: Asked[] | undefined
  #isDeparting = false
  #died: Error | undefined
  readonly #ended: Promise<void>

  private constructor(place: Place, child: ChildProcess) {
    this.#place = place
    this.#child = child
    child.on('message', (answers: unknown[]) => this.#answer(answers))
    child.on('error', (error) => this.#die(error))
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        this.#die(new Error('the process that writes has ended'))
        resolve()
      })
    })
    this.#hold(false)
  }

  /** Starts the process, which opens the environment, or makes it. */
  static start(place: Place): Promise<WriterProcess> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(failure(error, place.path))
      const child = fork(new URL('./writer.js', import.meta.url), [JSON.stringify(place)], {
        execArgv: [],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const onExit = (): void => fail(new Error('the process that writes has ended at its start'))
      child.once('error', fail).once('exit', onExit)
      child.once('message', (message: { failure?: object }) => {
        child.off('error', fail).off('exit', onExit)
        if (message.failure === undefined) resolve(new WriterProcess(place, child))
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

  /** Ends the process when all that was asked is done, and the environment is flushed and closed. */
  async close(): Promise<void> {
    this.#hold(true)
    if (this.#child.connected) this.#child.send('close')
    await this.#ended
  }

  /** An answer that is due holds our process; an idle writer does not. */
  #hold(isDue: boolean): void {
    const { channel } = this.#child
    if (isDue) {
      this.#child.ref()
      channel?.ref()
    } else {
      this.#child.unref()
      channel?.unref()
    }
  }

  #send(): void {
    this.#isDeparting = false
    if (this.#waiting.length === 0 || this.#died !== undefined) return
    this.#underWay = this.#waiting
    this.#waiting = []
    this.#hold(true)
    this.#child.send(this.#underWay.map(({ operation }) => operation))
  }

  #answer(answers: unknown[]): void {
    const asked = this.#underWay ?? []
    this.#underWay = undefined
    this.#hold(false)
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
