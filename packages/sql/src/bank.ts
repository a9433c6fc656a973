import {
  type Bank,
  type BankContext,
  type BankDescription,
  compareClocks,
  DEFAULT_CONTEXT,
  type Entry,
  errorMapper,
  Lifecycle,
  type Stored,
  type Touch,
} from 'connect-databank/backend'
import type { Execute, Result, Statement, Table, Values } from './dialect.ts'
import { withRetries } from './errors.ts'
import { pagesOfEntries, pagesOfIds, type ReadPage } from './listing.ts'
import { checkSqlOptions, type SqlBankOptions, tableOf } from './options.ts'
import { cellOf, newVersion, Records } from './records.ts'
import { type Statements, statementsFor } from './statements.ts'
import { findTable, timeOf } from './table.ts'

/** The part of the store's `timeout` that one statement may take, and one on many rows: the store waits longer for the latter. */
const SHORT = 0.45
const LONG = 6
/** How many rows one statement lists, touches or deletes at most, where the dialect names no other number. */
const DEFAULT_BATCH = 1_000
/** The table that was found, with its records and statements. */
export interface Connected {
  readonly statements: Statements
  readonly records: Records
  readonly table: Table
}

/** Sessions in a table of a SQL database. */
export class SqlBank implements Bank {
  readonly #options: SqlBankOptions
  readonly #context: BankContext
  readonly #lifecycle: Lifecycle<Connected>
  readonly #withRetries: Execute
  readonly #batch: number
  readonly name: string
  /** Absent if the table has no owners. */
  declare readonly idsOf?: (owner: string) => AsyncIterable<string>

  constructor(options: SqlBankOptions, context: BankContext = DEFAULT_CONTEXT) {
    checkSqlOptions(options)
    const { dialect, close, maxPending } = options
    const table = tableOf(dialect, options)
    this.name = dialect.backend
    this.#options = options
    this.#context = context
    this.#withRetries = withRetries(dialect, options.execute)
    this.#batch = dialect.batch ?? DEFAULT_BATCH
    this.#lifecycle = new Lifecycle({
      name: `${dialect.name}Bank`,
      open: () => this.#connect(table),
      ...(close && { close }),
      closeTimeout: context.timeout,
      errorOf: errorMapper(dialect.name, (error) => dialect.codeOf(error)),
      maxPending,
    })
    if (table.layout.owner !== undefined) this.idsOf = (owner) => this.#idsOf(owner)
  }

  read(id: string): Promise<Stored | null> {
    return this.run(async ({ statements, records }) => {
      if (!records.holds(id)) return null
      const { rows } = await this.#execute(statements.read, { id: records.id(id) })
      return records.entryOf(rows, id)
    })
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    return this.run(async ({ statements, records, table }) => {
      const found = new Map<string, Stored>()
      const held = ids.filter((id) => records.holds(id))
      for (const batch of batchesOf(held, this.#batch)) {
        const { rows } = await this.#execute(statements.readMany, { ids: this.#options.dialect.toList(batch, table) })
        for (const [id, stored] of records.entriesOf(rows)) found.set(id, stored)
      }
      return ids.map((id) => found.get(id) ?? null)
    }, ids.length)
  }

  save(id: string, entry: Entry): Promise<string> {
    return this.run(async ({ statements, records }) => {
      records.requireHolds(id)
      const version = newVersion()
      await this.#execute(statements.save, records.valuesOf(id, entry, version))
      return records.versionOf(entry.payload, version)
    })
  }

  swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    return this.run(async ({ statements, records }) => {
      records.requireHolds(id)
      const version = newVersion()
      const values = { ...records.valuesOf(id, entry, version), now: records.now(now) }
      const didSwap =
        expected === null
          ? await this.#insert(statements.insert, values)
          : await this.#replace(statements.swap, values, records.expected(expected))
      return didSwap ? records.versionOf(entry.payload, version) : null
    })
  }

  async #insert(statements: readonly Statement[], values: Values): Promise<boolean> {
    const { dialect } = this.#options
    for (const statement of statements) {
      try {
        const { count } = await this.#execute(statement, values)
        if (count > 0) return true
      } catch (error) {
        if (dialect.isDuplicate?.(error as object) !== true) throw error
      }
    }
    return false
  }

  async #replace(statement: Statement, values: Values, expected: unknown): Promise<boolean> {
    if (expected === undefined) return false
    const { count } = await this.#execute(statement, { ...values, expected })
    return count > 0
  }

  delete(id: string): Promise<boolean> {
    return this.run(async ({ statements, records }) => {
      if (!records.holds(id)) return false
      const { count } = await this.#execute(statements.delete, { id: records.id(id) })
      return count > 0
    })
  }

  touch(id: string, expires: number | null, now: number): Promise<void> {
    return this.run(async ({ statements, records }) => {
      if (!records.holds(id)) return
      const values = { id: records.id(id), expires: records.expires(expires), now: records.now(now) }
      await this.#execute(statements.touch, values)
    })
  }

  touchMany(touches: readonly Touch[], now: number): Promise<void> {
    return this.run(async ({ statements, records, table }) => {
      const unique = [...new Map(touches)].filter(([id]) => records.holds(id))
      for (const batch of batchesOf(unique, this.#batch)) {
        const values = this.#options.dialect.touchValues(batch, table)
        await this.#execute(statements.touchMany, { ...values, now: records.now(now) })
      }
    }, touches.length)
  }

  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    for await (const entries of pagesOfEntries(this.#pages('scan'), this.#batch)) yield* entries
  }

  async *#idsOf(owner: string): AsyncGenerator<string> {
    for await (const ids of pagesOfIds(this.#pages('idsOf', owner), this.#batch)) yield* ids
  }

  count(now: number): Promise<number> {
    return this.run(async ({ statements, records }) => {
      const { rows } = await this.#execute(statements.count, { now: records.now(now) }, LONG)
      return Number(cellOf(rows[0]!, 0, 'count'))
    })
  }

  async clear(): Promise<void> {
    for await (const ids of pagesOfIds(this.#pages('ids'), this.#batch)) {
      await this.run(async ({ statements, table }) => {
        await this.#execute(statements.deleteMany, { ids: this.#options.dialect.toList(ids, table) }, LONG)
      })
    }
  }

  async purge(now: number): Promise<number> {
    for (let deleted = 0; ; ) {
      const count = await this.run(async ({ statements, records }) => {
        const result = await this.#execute(statements.purge, { now: records.now(now), limit: this.#batch }, LONG)
        return result.count
      })
      deleted += count
      if (count < this.#batch) return deleted
    }
  }

  describe(): Promise<BankDescription> {
    return this.run(async () => {
      const { rows } = await this.#execute({ text: this.#options.dialect.server, parameters: [] }, {})
      return { server: String(cellOf(rows[0]!, 0, 'server')) }
    })
  }

  open(): Promise<void> {
    return this.#lifecycle.open()
  }

  close(): Promise<void> {
    return this.#lifecycle.close()
  }

  /** Reads pages of a list. The list of an owner has no expired entries. */
  #pages(name: 'scan' | 'ids' | 'idsOf', owner?: string): ReadPage {
    return (after, limit) =>
      this.run(async ({ statements, records }) => {
        const ofOwner = owner === undefined ? {} : { owner: records.owner(owner), now: records.now(Date.now()) }
        const { rows } = await this.#execute(statements[name]!, { after: records.id(after), limit, ...ofOwner }, LONG)
        return { rows, records }
      })
  }

  /** Runs an operation. If the table is missing, it looks for the table again, and repeats the operation once. */
  protected run<T>(work: (connected: Connected) => Promise<T>, operations = 1): Promise<T> {
    return this.#lifecycle.run((connected) => {
      return work(connected).catch((error: unknown) => {
        const isMissing = typeof error === 'object' && error !== null && this.#options.dialect.isMissingTable(error)
        if (!isMissing) throw error
        this.#lifecycle.forget(connected)
        return this.#lifecycle.run(work, operations)
      })
    }, operations)
  }

  /** @param part of the store's `timeout` that the statement may take */
  #execute({ text, parameters }: Statement, values: Values, part = SHORT): Promise<Result> {
    const given = parameters.map((name) => values[name])
    return this.#withRetries(text, given, this.#context.timeout * part)
  }

  async #connect(named: Table): Promise<Connected> {
    const { dialect, createTable = true } = this.#options
    const execute = (text: string): Promise<Result> => this.#withRetries(text, [], this.#context.timeout * SHORT)
    const table = await findTable(dialect, execute, named, createTable)
    const { clock } = dialect
    if (clock !== undefined) await compareClocks(this.#context, dialect.name, () => timeOf(clock, execute))
    return { table, statements: statementsFor(dialect, table), records: new Records(table.layout) }
  }
}

function* batchesOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
