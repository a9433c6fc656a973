import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Bank, checkOptions, DatabankError, type Entry, invalidOption, type OptionRules, rules } from 'connect-databank'
import { closed, failure } from './failures.ts'
import type { Kind, Operations, Survey } from './protocol.ts'
import { WriterProcess } from './writer-process.ts'

/** Where an `LmdbBank` keeps its sessions, and how safely. */
export interface LmdbBankOptions {
  /** The file of the environment. It is made, with the folders above it, if it is not there; its lock is `<path>-lock`. */
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

/** How many entries of the index of deaths one transaction looks at: others get their turn between two. */
const atOnce = 1_000
/** A page of a scan ends at so many entries, or so many bytes. */
const pageEntries = 100
const pageBytes = 1_048_576

type Format = typeof import('./format.js')
type Reader = ReturnType<typeof import('./environment.js').openForReading>
type Opened = { readonly format: Format; readonly reader: Reader; readonly writer: WriterProcess }

/**
 * Sessions in an LMDB environment: one file that all processes of a machine share. Reads are made here, from mapped memory, and
 * wait for nobody; writes go to a process of their own, in batches.
 *
 * `lmdb`, a native module, is only loaded when the bank is opened.
 */
export class LmdbBank implements Bank {
  readonly #place: { path: string; durable: boolean; maxSize: number | null }
  #opened: Opened | undefined
  #opening: Promise<Opened> | undefined
  #closing: Promise<void> | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: LmdbBankOptions) {
    checkOptions('LmdbBank', optionRules, options)
    const { path, durable = false, maxSize = null } = options
    if (path === undefined) throw invalidOption('LmdbBank: path is missing; expected the file of the environment')
    this.#place = { path: resolve(path), durable, maxSize }
  }

  async read(id: string): Promise<Entry | null> {
    const { format, reader } = this.#opened ?? (await this.#use())
    const { root, sessions } = reader
    try {
      // Otherwise a snapshot of up to a millisecond ago might be read, older than what another process was just told is done.
      root.resetReadTxn()
      const keys = format.keysOf(id)
      const time = sessions.getBinaryFast(keys.expiry)
      if (time === undefined) return null
      const expires = format.timeOf(time)
      const record = sessions.getBinaryFast(keys.record)
      const payload = record === undefined ? undefined : format.payloadOf(asBuffer(record))
      if (payload === undefined) throw new DatabankError('DATABANK_INVALID_RECORD', 'lmdb: the record is damaged')
      return { payload, expires }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async save(id: string, { payload, expires }: Entry): Promise<void> {
    await this.#ask('save', id, payload, expires)
  }

  async delete(id: string): Promise<boolean> {
    return this.#ask('remove', id)
  }

  async touch(id: string, expires: number | null): Promise<void> {
    await this.#ask('touch', id, expires)
  }

  async swap(id: string, expected: string | null, { payload, expires }: Entry): Promise<boolean> {
    return this.#ask('swap', id, expected, { payload, expires })
  }

  /** In the order of the ids' keys, page by page: what is written meanwhile may be among them. */
  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    let after: Buffer | undefined
    for (;;) {
      const { format, reader } = await this.#use()
      const page = this.#page(format, reader, after)
      yield* page.entries
      if (page.last === undefined) return
      after = page.last
      await nextTurn()
    }
  }

  async count(now: number): Promise<number> {
    let dead = 0
    for (let after: Uint8Array | null = null; ; ) {
      const survey: Survey = await this.#ask('survey', now, atOnce, after)
      dead += survey.dead
      after = survey.last
      if (after === null) return survey.entries - dead
    }
  }

  async clear(): Promise<void> {
    await this.#ask('clear')
  }

  async purge(now: number): Promise<number> {
    for (let freed = 0; ; ) {
      const purged = await this.#ask('purge', now, atOnce)
      freed += purged.freed
      if (purged.isDone) return freed
    }
  }

  async open(): Promise<void> {
    await this.#use()
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #ask<K extends Kind>(kind: K, ...ask: Operations[K]['ask']): Promise<Operations[K]['answer']> {
    const { writer } = this.#opened ?? (await this.#use())
    return writer.ask(kind, ...ask)
  }

  async #use(): Promise<Opened> {
    if (this.#closing !== undefined) throw closed()
    if (this.#opened !== undefined && !this.#opened.writer.isDead) return this.#opened
    this.#opening ??= this.#open()
    try {
      this.#opened = await this.#opening
      return this.#opened
    } finally {
      this.#opening = undefined
    }
  }

  async #open(): Promise<Opened> {
    const writer = await WriterProcess.start(this.#place)
    try {
      const [{ openForReading }, format] = await Promise.all([import('./environment.js'), import('./format.js')])
      return { format, reader: openForReading(this.#place), writer }
    } catch (error) {
      await writer.close()
      throw this.#failure(error)
    }
  }

  async #close(): Promise<void> {
    const opened = this.#opened ?? (await this.#opening?.catch(() => undefined))
    this.#opened = undefined
    if (opened === undefined) return
    await opened.reader.root.close()
    await opened.writer.close()
  }

  #page(format: Format, { root, sessions }: Reader, after: Buffer | undefined) {
    const entries: (readonly [string, Entry])[] = []
    let last: Buffer | undefined
    let bytes = 0
    try {
      root.resetReadTxn()
      for (const { key, value } of sessions.getRange(after === undefined ? {} : { start: after, exclusiveStart: true })) {
        const keys = format.keysOfRecord(key)
        if (keys === undefined) continue
        const id = format.idOf(keys, value)
        const payload = format.payloadOf(value)
        const time = sessions.getBinary(keys.expiry)
        if (id !== undefined && payload !== undefined && time !== undefined)
          entries.push([id, { payload, expires: format.timeOf(time) }])
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
