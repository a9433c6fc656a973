import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Bank,
  checkOptions,
  DatabankError,
  type Entry,
  invalidOption,
  newEntry,
  type OptionRules,
  rules,
} from 'connect-databank'
import { closed, failure } from './failures.ts'
import { encodeRecord, idOf, keysOf, keysOfRecord, payloadOf, timeBytes, timeOf } from './format.js'
import type { Kind, Operations, Survey } from './protocol.ts'
import { WriterProcess } from './writer-process.ts'

/** Where an `LmdbBank` keeps its sessions, and how safely. */
export interface LmdbBankOptions {
  /** The file of the environment. It is made, with the folders above it, if it is not there; its locks are beside it. */
  path: string
  /**
   * `true`: a write is answered when it is on disk. `false`: when every process sees it; it survives the death of any process, but
   * if the machine dies, the last second may be lost and the file may need to be deleted. Default: false.
   */
  durable?: boolean
  /** How many bytes the sessions may fill; more is refused with DATABANK_FULL. Default: as many as the disk has. */
  maxSize?: number
}

const optionRules: OptionRules<LmdbBankOptions> = {
  path: rules.nonEmptyString,
  durable: rules.boolean,
  maxSize: rules.positiveInteger,
}

/** A page of a scan ends at so many entries, or so many bytes. */
const pageEntries = 100
const pageBytes = 1_048_576

type Environment = typeof import('./environment.js')
type Reader = ReturnType<Environment['openForReading']>

/**
 * Sessions in an LMDB environment: one file that all processes of a machine share. Reads are made here, from mapped memory, and
 * wait for nobody; writes go to a process of their own, in batches.
 *
 * `lmdb`, a native module, is only loaded when the bank is opened.
 */
export class LmdbBank implements Bank {
  readonly #place: { path: string; durable: boolean; maxSize: number | null }
  #writer: WriterProcess | undefined
  #reader: Reader | undefined
  #opening: Promise<Reader> | undefined
  #closing: Promise<void> | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: LmdbBankOptions) {
    checkOptions('LmdbBank', optionRules, options)
    const { path, durable = false, maxSize = null } = options
    if (path === undefined) throw invalidOption('LmdbBank: path is missing; expected the file of the environment')
    this.#place = { path: resolve(path), durable, maxSize }
  }

  async read(id: string): Promise<Entry | null> {
    const { root, sessions } = this.#reader ?? (await this.#use())
    try {
      // Otherwise a snapshot of up to a millisecond ago might be read, older than what another process was just told is done.
      root.resetReadTxn()
      const keys = keysOf(id)
      const time = sessions.getBinaryFast(keys.expiry)
      if (time === undefined) return null
      const expires = timeOf(time)
      const record = sessions.getBinaryFast(keys.record)
      const payload = record === undefined ? undefined : payloadOf(asBuffer(record))
      if (payload === undefined) throw new DatabankError('DATABANK_INVALID_RECORD', 'lmdb: the record is damaged')
      return newEntry(payload, expires)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async save(id: string, { payload, expires }: Entry): Promise<void> {
    const keys = keysOf(id)
    await this.#ask('save', keys.base, encodeRecord(id, keys, payload), timeBytes(expires))
  }

  async delete(id: string): Promise<boolean> {
    return this.#ask('remove', keysOf(id).base)
  }

  async touch(id: string, expires: number | null): Promise<void> {
    await this.#ask('touch', keysOf(id).base, timeBytes(expires))
  }

  async swap(id: string, expected: string | null, { payload, expires }: Entry): Promise<boolean> {
    const keys = keysOf(id)
    const before = expected === null ? null : encodeRecord(id, keys, expected)
    return this.#ask('swap', keys.base, before, encodeRecord(id, keys, payload), timeBytes(expires))
  }

  /** In the order of the ids' keys, page by page: what is written meanwhile may be among them. */
  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    let after: Buffer | undefined
    for (;;) {
      const page = this.#page(await this.#use(), after)
      yield* page.entries
      if (page.last === undefined) return
      after = page.last
      await nextTurn()
    }
  }

  async count(now: number): Promise<number> {
    let dead = 0
    for (let after: Uint8Array | null = null; ; ) {
      const survey: Survey = await this.#ask('survey', timeBytes(now), after)
      dead += survey.dead
      if (survey.last === null) return survey.entries - dead
      after = Buffer.from(survey.last, 'hex')
    }
  }

  async clear(): Promise<void> {
    await this.#ask('clear')
  }

  async purge(now: number): Promise<number> {
    for (let freed = 0; ; ) {
      const purged = await this.#ask('purge', timeBytes(now))
      freed += purged.freed
      if (purged.isDone) return freed
    }
  }

  async open(): Promise<void> {
    await this.#use()
    await this.#write().started
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #ask<K extends Kind>(kind: K, ...ask: Operations[K]['ask']): Promise<Operations[K]['answer']> {
    const writer = this.#write()
    // Now, not with the first read: `#openReader` says why. Whoever reads is told of a failure.
    if (this.#reader === undefined) this.#use().catch(() => undefined)
    return writer.ask(kind, ...ask)
  }

  #write(): WriterProcess {
    if (this.#closing !== undefined) throw closed()
    if (this.#writer === undefined || this.#writer.isDead) this.#writer = new WriterProcess(this.#place)
    return this.#writer
  }

  async #use(): Promise<Reader> {
    if (this.#closing !== undefined) throw closed()
    if (this.#reader !== undefined) return this.#reader
    this.#opening ??= this.#openReader()
    try {
      this.#reader = await this.#opening
      return this.#reader
    } finally {
      this.#opening = undefined
    }
  }

  async #openReader(): Promise<Reader> {
    const { openForReading } = await import('./environment.js')
    // The process that writes makes what is not there, and says what is wrong with what is. When it has just started, it has just
    // passed the gate, where we would wait with all that goes on here if somebody had been stopped inside.
    await this.#write().started
    try {
      return openForReading(this.#place.path)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async #close(): Promise<void> {
    const reader = this.#reader ?? (await this.#opening?.catch(() => undefined))
    this.#reader = undefined
    // Before the process that writes: `gate.js` says why nobody who only reads may be the last to close.
    await reader?.root.close()
    await this.#writer?.close()
  }

  #page({ root, sessions }: Reader, after: Buffer | undefined) {
    const entries: (readonly [string, Entry])[] = []
    let last: Buffer | undefined
    let bytes = 0
    try {
      root.resetReadTxn()
      for (const { key, value } of sessions.getRange(after === undefined ? {} : { start: after, exclusiveStart: true })) {
        const keys = keysOfRecord(key)
        if (keys === undefined) continue
        const id = idOf(keys, value)
        const payload = payloadOf(value)
        const time = sessions.getBinary(keys.expiry)
        if (id !== undefined && payload !== undefined && time !== undefined)
          entries.push([id, { payload, expires: timeOf(time) }])
        bytes += value.length
        last = key
        if (entries.length >= pageEntries || bytes >= pageBytes) return { entries, last }
      }
      return { entries, last: undefined }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #failure(error: unknown): Error {
    // Closed in the middle of an operation: LMDB's own word for it says less.
    if (this.#closing !== undefined) return closed()
    return error instanceof DatabankError ? error : failure(error, this.#place.path)
  }
}

/** What is large, LMDB's client gives as a view of the mapped file, which is no Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
