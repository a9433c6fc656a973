import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { failure } from './failures.ts'
import { answerCutter, decodeAnswer, encodeAsk } from './messages.js'
import type { Kind, Operations } from './protocol.ts'

interface Place {
  readonly path: string
  readonly durable: boolean
  readonly maxSize: number | null
}

interface Asked {
  readonly message: Buffer
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

const program = fileURLToPath(new URL('./writer.js', import.meta.url))
/** So many are a batch of their own while others are under way. Any number from 16 to 40 gave a fifth more at 128 at a time. */
const fullBatch = 32
/** Which of the child's descriptors is the pipe between us. */
const pipe = 3

/**
 * The process that writes, from here. While a batch is under way, what arrives waits until all is answered, or until it is enough for
 * another: so a transaction, and a flush to disk where there is one, is shared by whoever came meanwhile, and neither process waits
 * long for the other.
 *
 * A process and no thread, because the client has one environment for each file in a process: what is open for reading can't be
 * opened for writing as well. And because a failure in its own memory, which a full disk has caused, must end no server.
 */
export class WriterProcess {
  readonly #place: Place
  readonly #child: ChildProcess
  readonly #pipe: Socket | undefined
  readonly #closed: Promise<void>
  readonly #cutter = answerCutter()
  #underWay: Asked[] = []
  #waiting: Asked[] = []
  /** Whether it has said that it has opened the environment: until then, what is asked waits. */
  #isReady = false
  #isDeparting = false
  #died: Error | undefined
  /** Rejects if the environment can't be opened. */
  readonly started: Promise<void>

  /** Starts the process, which opens the environment, or makes it. It may be asked at once. */
  constructor(place: Place) {
    this.#place = place
    this.#child = spawn(process.execPath, [program, JSON.stringify(place)], {
      env: environment(),
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      windowsHide: true,
    })
    this.#pipe = this.#child.stdio?.[pipe] as Socket | undefined
    this.#pipe?.on('data', (piece) => this.#receive(piece)).on('error', () => {})
    this.#closed = this.#whenClosed()
    this.started = new Promise((resolve, reject) => {
      // What it says first answers this.
      const fail = (error: unknown): void => {
        reject(error)
        this.#end(error as Error)
      }
      this.#underWay.push({ message: Buffer.alloc(0), resolve: () => resolve(), reject: fail })
    })
    // Who asked meanwhile is told as well.
    this.started.catch(() => {})
  }

  /** Whether it ended by itself; nothing can be asked of it any more. */
  get isDead(): boolean {
    return this.#died !== undefined
  }

  ask<K extends Kind>(kind: K, ...ask: Operations[K]['ask']): Promise<Operations[K]['answer']> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message: encodeAsk(kind, ask), resolve, reject })
      if (this.#isDeparting || !this.#isReady) return
      if (this.#underWay.length === 0) {
        this.#isDeparting = true
        // What the same turn of the event loop asks for goes along.
        queueMicrotask(() => this.#send())
      } else if (this.#waiting.length >= fullBatch) this.#send()
    })
  }

  /** Ends the process when all that was asked is done, and the environment is flushed and closed. */
  async close(): Promise<void> {
    this.#hold(true)
    this.#send()
    this.#pipe?.end()
    await this.#closed
  }

  #whenClosed(): Promise<void> {
    return new Promise((resolve) => {
      const ended = failure({ code: 'WRITER_ENDED', message: 'the process that writes has ended' }, this.#place.path)
      this.#child.once('exit', () => {
        this.#died ??= ended
      })
      // Only then has all been read that it said before it ended.
      this.#child.once('close', () => {
        this.#end(ended)
        resolve()
      })
      this.#child.once('error', (error) => {
        this.#end(failure(error, this.#place.path))
        resolve()
      })
    })
  }

  /** Whether what was under way is written or not, nobody knows; what waited is not. */
  #end(error: Error): void {
    this.#died ??= error
    const asked = [...this.#underWay, ...this.#waiting]
    this.#underWay = []
    this.#waiting = []
    for (const { reject } of asked) reject(error)
  }

  /** An answer that is due holds our process; an idle writer does not. */
  #hold(isDue: boolean): void {
    if (isDue) {
      this.#child.ref()
      this.#pipe?.ref()
    } else {
      this.#child.unref()
      this.#pipe?.unref()
    }
  }

  #send(): void {
    this.#isDeparting = false
    if (this.#waiting.length === 0) return
    if (this.#died !== undefined) {
      this.#end(this.#died)
      return
    }
    this.#hold(true)
    this.#pipe?.write(Buffer.concat(this.#waiting.map(({ message }) => message)))
    this.#underWay.push(...this.#waiting)
    this.#waiting = []
  }

  #receive(piece: Buffer): void {
    const answers = this.#cutter.cut(piece).map(decodeAnswer)
    const asked = this.#underWay.splice(0, answers.length)
    if (this.#underWay.length === 0) {
      this.#hold(false)
      if (this.#isReady) this.#send()
      // After the answer to the start: if that was a failure, nothing is sent.
      else queueMicrotask(() => this.#send())
    }
    this.#isReady = true
    for (const [at, { resolve, reject }] of asked.entries()) {
      const answer = answers[at] as { failure?: object } | null | boolean | number
      if (typeof answer === 'object' && answer?.failure !== undefined) reject(failure(answer.failure, this.#place.path))
      else resolve(answer as never)
    }
  }
}

/** Ours, but no debugger and no profiler: they are meant for us, and two can't have one port. Loaders go along. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: options, ...others } = process.env
  const kept = options?.split(' ').filter((option) => !/^--(inspect|debug|(cpu-|heap-)?prof)/.test(option))
  return kept === undefined ? others : { ...others, NODE_OPTIONS: kept.join(' ') }
}
