import { DatabankError, type Entry, type Stored } from 'connect-databank/backend'
import type { Result, Values } from './dialect.ts'
import type { Column, Layout } from './layouts.ts'

/** Versions are whole numbers below this, which every client reads exactly. */
const VERSION_LIMIT = 2 ** 52

/** A version that no other write of the same row has. */
export function newVersion(): number {
  return Math.floor(Math.random() * VERSION_LIMIT)
}

/** The value of one column in a row of a `select`. */
export function cellOf(row: Result['rows'][number], index: number, name: string): unknown {
  return Array.isArray(row) ? row[index] : (row as Readonly<Record<string, unknown>>)[name]
}

/** Turns entries into parameters, and rows into entries. */
export class Records {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** Whether the table can hold the id and distinguish it from all others. */
  holds(id: string): boolean {
    return this.#layout.id.holds?.(id) ?? true
  }

  /** @throws DATABANK_INVALID_ID */
  requireHolds(id: string): void {
    if (!this.holds(id))
      throw new DatabankError('DATABANK_INVALID_ID', 'the table of another store cannot hold an id such as this one')
  }

  /** The parameters of a row that is written. */
  valuesOf(id: string, { payload, expires, owner = null }: Entry, version: number): Values {
    const layout = this.#layout
    return {
      id: parameter(layout.id, id),
      payload: parameter(layout.payload, payload),
      expires: parameter(layout.expires, expires),
      owner: layout.owner === undefined || owner === null ? null : parameter(layout.owner, owner),
      version: layout.version && parameter(layout.version, version),
    }
  }

  id(id: string): unknown {
    return parameter(this.#layout.id, id)
  }

  owner(owner: string): unknown {
    return this.#layout.owner && parameter(this.#layout.owner, owner)
  }

  expires(expires: number | null): unknown {
    return parameter(this.#layout.expires, expires)
  }

  now(now: number): unknown {
    return this.#layout.expires.nowToParameter?.(now) ?? now
  }

  /** The parameter for a version that a caller has read, or undefined for one that this table never had. */
  expected(version: string): unknown {
    const column = this.#layout.version
    if (column === undefined) return parameter(this.#layout.payload, version)
    return /^\d{1,16}$/.test(version) ? parameter(column, Number(version)) : undefined
  }

  /** The version of a row with this payload, whose new random version is `drawn`. */
  versionOf(payload: string, drawn: number): string {
    if (this.#layout.version !== undefined) return String(drawn)
    return this.#layout.payload.toVersion?.(payload) ?? payload
  }

  /** The entries in rows by their ids. Rows that hold no entry are left out. */
  entriesOf(rows: Result['rows']): Map<string, Stored> {
    const entries = new Map<string, Stored>()
    for (const row of rows) {
      const id = this.idOf(row)
      const stored = this.#storedOf(row)
      if (id !== null && stored !== null) entries.set(id, stored)
    }
    return entries
  }

  /** The entry of this id in rows, or null. A collation may have found other ids. */
  entryOf(rows: Result['rows'], id: string): Stored | null {
    const row = rows.find((each) => this.idOf(each) === id)
    return row === undefined ? null : this.#storedOf(row)
  }

  /** The id in a row, or null if it holds none. */
  idOf(row: Result['rows'][number]): string | null {
    const cell = cellOf(row, 0, 'id')
    return cell == null ? null : value(this.#layout.id, cell)
  }

  /** The entry in a row, or null if it holds none. */
  #storedOf(row: Result['rows'][number]): Stored | null {
    const { payload, expires, owner, version } = this.#layout
    const text = cellOf(row, 1, 'payload')
    if (text == null) return null
    const time = cellOf(row, 2, 'expires')
    const stored: { -readonly [Name in keyof Stored]: Stored[Name] } = {
      payload: value(payload, text),
      expires: time == null ? null : (expires.fromCell ?? Number)(time),
    }
    if (owner !== undefined) {
      const cell = cellOf(row, 3, 'owner')
      stored.owner = cell == null ? null : value(owner, cell)
    }
    if (version !== undefined) stored.version = String(cellOf(row, owner === undefined ? 3 : 4, 'version'))
    else if (payload.toVersion !== undefined) stored.version = payload.toVersion(stored.payload)
    return stored
  }
}

function parameter<Value>(column: Column<Value>, given: Value): unknown {
  return column.toParameter === undefined ? given : column.toParameter(given)
}

function value(column: Column<string>, cell: unknown): string {
  return column.fromCell === undefined ? textOf(cell) : column.fromCell(cell)
}

/** Text that a client returned: some clients return Buffers for some column types. */
export function textOf(cell: unknown): string {
  if (typeof cell === 'string') return cell
  return cell instanceof Uint8Array ? Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString() : JSON.stringify(cell)
}
