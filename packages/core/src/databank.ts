import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Bank, Entry } from './bank.ts'
import { coded, DatabankError, invalidOption } from './errors.ts'
import { type CookieLike, timeOf } from './expiry.ts'

type DriverCallback<T = unknown> = (error: (Error & { name: string }) | null | undefined, value?: T) => void

/** A driver of the `databank` family, by structure: several copies of `databank` may be installed. */
export interface Databank {
  read(type: string, id: string, callback: DriverCallback<Record<string, unknown>>): void
  save(type: string, id: string, value: object, callback: DriverCallback): void
  del(type: string, id: string, callback: DriverCallback): void
  scan?(type: string, onResult: (value: Record<string, unknown>) => void, callback: DriverCallback): void
  connect?(params: object, callback: DriverCallback): void
  disconnect?(callback: DriverCallback): void
}

/** The table of sessions in a databank. */
const table = 'session'

/** What databank needs to be told of it: the key of a session's record is its `sid`. */
export const databankSchema = { [table]: { pkey: 'sid' } } as const

/**
 * Fields that a record gets beside the session's own and its `sid`, only where it could not be kept without: a death that
 * differs from the one that the cookie names, a payload that is no JSON object.
 */
const expiresField = '__expires'
const payloadField = '__payload'

/**
 * Any databank driver as a bank.
 *
 * Given a databank, connected by the caller and closed by him: `fromDatabank(db)`. Given a driver's name and its parameters:
 * `fromDatabank('redis', { host: '127.0.0.1' })` needs `databank` and `databank-redis`, connects on first use and closes.
 *
 * The drivers have no compare-and-swap: requests of one process never lose each other's changes; between processes the last
 * write wins. Records of connect-databank 1.x are read as they are, and 1.x reads ours.
 *
 * @throws DATABANK_INVALID_OPTION if this is neither a databank nor a name; DATABANK_MISSING_PACKAGE if `databank` or the
 *   driver is not installed
 */
export function fromDatabank(databank: Databank | string, params: object = {}): Bank {
  if (typeof databank === 'string') return new DatabankBank(makeDatabank(databank, params), params)
  if (!isDatabank(databank))
    throw invalidOption('fromDatabank: expected a databank (with read, save, del) or the name of a driver')
  return new DatabankBank(databank)
}

/** Whether this is a databank and no bank: it deletes by `del`. */
export function isDatabank(value: unknown): value is Databank {
  const methods = value as Record<string, unknown> | null | undefined
  return value != null && ['read', 'save', 'del'].every((name) => typeof methods?.[name] === 'function')
}

function makeDatabank(driver: string, params: object): Databank {
  // From the application's folder: `databank` and its drivers are its dependencies, not ours.
  const require = createRequire(join(process.cwd(), 'index.js'))
  try {
    return require('databank').Databank.get(driver, { schema: databankSchema, ...params })
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'MODULE_NOT_FOUND') throw coded(cause)
    const packages = driver === 'memory' ? 'databank' : `databank databank-${driver}`
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `no driver ${driver}: npm install ${packages}`, { cause })
  }
}

class DatabankBank implements Bank {
  readonly #databank: Databank
  readonly #params: object | undefined
  #connected: Promise<void> | undefined
  #isClosed = false

  /** A method only where the driver has it: presence is what tells. */
  readonly scan?: () => AsyncIterable<readonly [string, Entry]>

  /** @param params what to connect with, if the databank is ours */
  constructor(databank: Databank, params?: object) {
    this.#databank = databank
    this.#params = params
    if (typeof databank.scan === 'function') this.scan = () => this.#scan()
  }

  async read(id: string): Promise<Entry | null> {
    const record = await this.#call<Record<string, unknown>>((callback) => this.#databank.read(table, id, callback))
    return record === undefined || record === null ? null : entryOf(record, id)
  }

  async save(id: string, entry: Entry): Promise<void> {
    await this.#call((callback) => this.#databank.save(table, id, recordOf(id, entry), callback))
  }

  async delete(id: string): Promise<boolean> {
    const missing = {}
    return (await this.#call((callback) => this.#databank.del(table, id, callback), missing)) !== missing
  }

  async open(): Promise<void> {
    if (this.#isClosed) throw new DatabankError('DATABANK_CLOSED', 'this databank was closed')
    if (this.#params === undefined) return
    this.#connected ??= this.#connect(this.#params)
    await this.#connected
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const connected = this.#connected
    if (connected === undefined || typeof this.#databank.disconnect !== 'function') return
    await connected.catch(() => undefined)
    await answerOf((callback) => this.#databank.disconnect?.(callback))
  }

  async #connect(params: object): Promise<void> {
    try {
      await answerOf((callback) => this.#databank.connect?.(params, callback))
    } catch (error) {
      // The next operation tries again.
      this.#connected = undefined
      throw coded(error, 'DATABANK_UNAVAILABLE')
    }
  }

  /** @param missing the answer if there is no such thing */
  async #call<T>(call: (callback: DriverCallback<T>) => void, missing?: unknown): Promise<T | undefined> {
    await this.open()
    try {
      return await answerOf(call)
    } catch (error) {
      if (isMissing(error)) return missing as T
      throw coded(error)
    }
  }

  /** A driver's scan cannot be held back, so what it gives faster than it is taken waits here. */
  async *#scan(): AsyncGenerator<readonly [string, Entry]> {
    await this.open()
    const found: (readonly [string, Entry])[] = []
    let wake: () => void = () => undefined
    let isDone = false
    const end = answerOf((callback) => {
      this.#databank.scan?.(
        table,
        (record) => {
          const id = record?.['sid']
          if (typeof id === 'string' && id !== '') found.push([id, entryOf(record, id)])
          wake()
        },
        callback,
      )
    }).catch((error) => {
      if (!isMissing(error)) throw coded(error)
    })
    const onEnd = (): void => {
      isDone = true
      wake()
    }
    end.then(onEnd, onEnd)
    while (!isDone || found.length > 0) {
      // Made before the look at what is there, so that no call is missed.
      const call = new Promise<void>((resolve) => {
        wake = resolve
      })
      yield* found.splice(0)
      if (!isDone && found.length === 0) await call
    }
    await end
  }
}

/** A driver's answer as a promise: its first one, also when it answers twice; a rejection when it throws. */
function answerOf<T>(call: (callback: DriverCallback<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)))
  })
}

/** By name, as several copies of `databank` may be installed. */
function isMissing(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'NoSuchThingError'
}

/** As 1.x has it: the session's own fields, and its `sid`. */
function recordOf(id: string, { payload, expires }: Entry): object {
  const session = sessionIn(payload, id)
  const record = session ?? { [payloadField]: payload }
  const named = session === undefined ? undefined : expiresIn(session)
  return { ...record, sid: id, ...(named === expires ? {} : { [expiresField]: expires }) }
}

/** The payload's object, if it can be rebuilt from it to the letter and holds none of our own fields. */
function sessionIn(payload: string, id: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(payload)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const hasOurs = isObject && [expiresField, payloadField, '__proto__'].some((name) => Object.hasOwn(value, name))
    const hasOtherId = isObject && Object.hasOwn(value, 'sid') && value.sid !== id
    return isObject && !hasOurs && !hasOtherId && JSON.stringify(value) === payload ? value : undefined
  } catch {
    return undefined
  }
}

function entryOf(record: Record<string, unknown>, id: string): Entry {
  const { sid, [expiresField]: expires, [payloadField]: payload, ...session } = record
  if (sid !== undefined && sid !== id) Object.assign(session, { sid })
  return {
    payload: typeof payload === 'string' ? payload : JSON.stringify(session),
    expires: typeof expires === 'number' ? expires : expires === null ? null : expiresIn(record),
  }
}

/** The death that the record's cookie names; null also for a date that is none, which the core takes for a corrupt record. */
function expiresIn(record: Record<string, unknown>): number | null {
  const time = timeOf((record['cookie'] as CookieLike | null | undefined)?.expires)
  return Number.isNaN(time) ? null : time
}
