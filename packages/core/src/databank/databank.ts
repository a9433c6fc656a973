import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { errorMapper } from '../backend/error-codes.ts'
import { Lifecycle } from '../backend/lifecycle.ts'
import type { Bank, Entry, Stored } from '../bank.ts'
import { timeOf } from '../cookie.ts'
import { coded, DatabankError, invalidOption } from '../errors.ts'
import { ignore } from '../operation.ts'

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
const TABLE = 'session'

/** The schema for databank: the key of a session's record is its `sid`. */
export const databankSchema = { [TABLE]: { pkey: 'sid' } } as const

/**
 * Additional fields of a record, only if needed: an expiry that differs from the
 * cookie's, an owner, a payload that the driver could not store as an object.
 */
const EXPIRES = '__expires'
const OWNER = '__owner'
const PAYLOAD = '__payload'
const OWN_FIELDS = [EXPIRES, OWNER, PAYLOAD, '__proto__']

/** Keys that databank-mongodb drops or uses itself, at any depth. */
const LOST_KEYS = /"(?:_s|_id|_bsontype)"\s*:/

/**
 * Any databank driver as a bank.
 *
 * `fromDatabank(db)` uses a databank that the caller connects and closes. `fromDatabank('redis', { host: '127.0.0.1' })` uses a driver by
 * its name and parameters: it needs `databank` and `databank-redis`, connects on first use, and closes the databank.
 *
 * The drivers have no compare-and-swap: requests of one process never lose each other's changes; between processes the last write
 * wins. Records of connect-databank 1.x are read as they are, and 1.x reads these.
 *
 * @throws DATABANK_INVALID_OPTION if this is neither a databank nor a name; DATABANK_MISSING_PACKAGE if `databank` or the driver is
 *   not installed
 */
export function fromDatabank(databank: Databank | string, params: object = {}): Bank {
  if (typeof databank === 'string') return new DatabankBank(makeDatabank(databank, params), params)
  if (!isDatabank(databank)) {
    throw invalidOption('fromDatabank: expected a databank (with read, save, del) or the name of a driver')
  }
  return new DatabankBank(databank)
}

/** Whether this is a databank, not a bank: a databank deletes with `del`. */
export function isDatabank(value: unknown): value is Databank {
  const methods = value as Record<string, unknown> | null | undefined
  return value != null && ['read', 'save', 'del'].every((name) => typeof methods?.[name] === 'function')
}

function makeDatabank(driver: string, params: object): Databank {
  // From the application's folder: `databank` and its drivers are its dependencies.
  const require = createRequire(join(process.cwd(), 'index.js'))
  try {
    return require('databank').Databank.get(driver, { schema: databankSchema, ...params })
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'MODULE_NOT_FOUND') throw coded(cause)
    const packages = driver === 'memory' ? 'databank' : `databank databank-${driver}`
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `no driver ${driver}: npm install ${packages}`, { cause })
  }
}

/** By name, since several copies of `databank` may be installed. */
const errorOf = errorMapper('databank', ({ name }) => (name === 'NotConnectedError' ? 'DATABANK_UNAVAILABLE' : undefined))

class DatabankBank implements Bank {
  readonly #databank: Databank
  readonly #lifecycle: Lifecycle<Databank>

  /** Only where the driver has it. */
  readonly scan?: () => AsyncIterable<readonly [string, Stored]>

  /** @param params to connect with, if the bank connects and closes */
  constructor(databank: Databank, params?: object) {
    this.#databank = databank
    this.#lifecycle = new Lifecycle<Databank>({
      name: 'the databank',
      errorOf,
      // 1.x had no limit, and programs of its users rely on that.
      maxPending: Infinity,
      async open() {
        if (params === undefined) return databank
        try {
          await resultOf((callback) => databank.connect?.(params, callback))
        } catch (error) {
          throw coded(error, 'DATABANK_UNAVAILABLE')
        }
        return databank
      },
      async close() {
        if (params !== undefined && databank.disconnect !== undefined)
          await resultOf((callback) => databank.disconnect?.(callback))
      },
    })
    if (typeof databank.scan === 'function') this.scan = () => this.#lifecycle.stream(() => this.#scan())
  }

  async read(id: string): Promise<Stored | null> {
    const record = await this.#call<Record<string, unknown>>((callback) => this.#databank.read(TABLE, id, callback))
    return record == null ? null : entryOf(record, id)
  }

  async save(id: string, entry: Entry): Promise<void> {
    await this.#call((callback) => this.#databank.save(TABLE, id, recordOf(id, entry), callback))
  }

  async delete(id: string): Promise<boolean> {
    const missing = {}
    return (await this.#call((callback) => this.#databank.del(TABLE, id, callback), missing)) !== missing
  }

  open(): Promise<void> {
    return this.#lifecycle.open()
  }

  close(): Promise<void> {
    return this.#lifecycle.close()
  }

  /** @param missing the result if there is no such record */
  #call<T>(call: (callback: DriverCallback<T>) => void, missing?: unknown): Promise<T | undefined> {
    return this.#lifecycle.run(async () => {
      try {
        return await resultOf(call)
      } catch (error) {
        if (isMissing(error)) return missing as T
        throw error
      }
    })
  }

  /** A driver's scan has no backpressure: records that are not read yet wait in the stream. */
  async *#scan(): AsyncGenerator<readonly [string, Stored]> {
    const found = new Readable({ objectMode: true, read: ignore })
    let isDone = false
    const end = resultOf((callback) => {
      const onRecord = (record: Record<string, unknown> | undefined): void => {
        const id = record?.['sid']
        if (typeof id === 'string' && id !== '' && !isDone) found.push([id, entryOf(record!, id)])
      }
      this.#databank.scan?.(TABLE, onRecord, callback)
    }).finally(() => {
      isDone = true
      found.push(null)
    })
    end.catch(ignore)
    yield* found
    await end.catch((error) => {
      if (!isMissing(error)) throw error
    })
  }
}

/** A driver's answer as a promise: its first one, if it answers twice; a rejection if it throws. */
function resultOf<T>(call: (callback: DriverCallback<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)))
  })
}

function isMissing(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'NoSuchThingError'
}

/** As 1.x stores it: the session's own fields, and its `sid`. */
function recordOf(id: string, { payload, expires, owner = null }: Entry): object {
  const record = sessionIn(payload, id) ?? { [PAYLOAD]: payload }
  return {
    ...record,
    sid: id,
    ...(expires !== expiresIn(record) && { [EXPIRES]: expires }),
    ...(owner !== null && { [OWNER]: owner }),
  }
}

/** The payload's object, if exactly the same payload can be made from it again, and if the drivers store it without loss. */
function sessionIn(payload: string, id: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(payload)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isObject || LOST_KEYS.test(payload) || OWN_FIELDS.some((name) => Object.hasOwn(value, name))) return undefined
    const hasOtherId = Object.hasOwn(value, 'sid') && value.sid !== id
    return !hasOtherId && JSON.stringify(value) === payload ? value : undefined
  } catch {
    return undefined
  }
}

function entryOf(record: Record<string, unknown>, id: string): Stored {
  const { sid, [EXPIRES]: expires, [OWNER]: owner, [PAYLOAD]: payload, ...session } = record
  if (sid !== undefined && sid !== id) Object.assign(session, { sid })
  const text = typeof payload === 'string' ? payload : textOf(session)
  return {
    payload: text ?? '',
    ...(text === undefined && { corrupt: 'the record cannot be written as JSON' }),
    expires: typeof expires === 'number' ? expires : expires === null ? null : expiresIn(record),
    owner: typeof owner === 'string' ? owner : null,
  }
}

/** The value as JSON; undefined for what JSON cannot hold: a driver may give any value, such as a BigInt. */
function textOf(value: object): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** The expiry of the record's cookie; null also for an invalid date, with which core treats the record as corrupt. */
function expiresIn(record: Record<string, unknown>): number | null {
  const time = timeOf((record['cookie'] as { expires?: unknown } | null | undefined)?.expires)
  return Number.isNaN(time) ? null : time
}
