import { isExpired, isLive, p, quoted, type Result, SqlBank, type Table } from '@connect-databank/sql'
import { type BankContext, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { SqliteConnection } from './connection.ts'
import { scriptDialect } from './dialect.ts'
import { checkBankOptions, type SqliteBankOptions } from './options.ts'

/** How many rows one statement of a count or a clean-up reads: it blocks the event loop of this process. */
const COUNTED = 2_000
const CLEANED = 100

/** How many times the store's `timeout` a statement of a count or a clean-up may wait for a lock: the store also waits longer for these. */
const LONG = 6

/** Sessions in a table of a SQLite database. */
export class SqliteBank extends SqlBank {
  readonly isLocal = true
  readonly #connection: SqliteConnection
  readonly #timeout: number
  readonly #isIndexed: boolean

  constructor(options: SqliteBankOptions, context: BankContext = DEFAULT_CONTEXT) {
    checkBankOptions(options)
    const { path, durable, engine, ...tableOptions } = options
    const connection = new SqliteConnection(options, context)
    super(
      {
        ...tableOptions,
        dialect: scriptDialect,
        execute: (text, parameters, timeout) => connection.execute(text, parameters, timeout),
      },
      context,
    )
    this.#connection = connection
    this.#timeout = context.timeout * LONG
    this.#isIndexed = options.layout === undefined
  }

  /** In steps, since a count of a million rows in one statement would block the event loop. */
  override count(now: number): Promise<number> {
    return countLive((sql, parameters) => this.#execute(sql, parameters), now, this.#isIndexed)
  }

  override purge(now: number): Promise<number> {
    if (this.#isIndexed) return super.purge(now)
    return deleteExpired((sql, parameters) => this.#execute(sql, parameters), now)
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#connection.close()
  }

  #execute(sql: (table: Table) => string, parameters: readonly unknown[]): Promise<Result> {
    return this.run(({ table }) => this.#connection.execute(sql(table), parameters, this.#timeout))
  }
}

type Execute = (sql: (table: Table) => string, parameters: readonly unknown[]) => Promise<Result>

/** The order in which the rows of a table are divided into ranges, and the first range. */
interface Order {
  key(table: Table): string
  readonly first: readonly number[]
}

const BY_ROW: Order = { key: () => '_rowid_', first: [-1] }

/** In the index, a hundredth of the size of the rows. Begins with the first row that is unexpired at `now`. */
function byExpiry(now: number): Order {
  return { key: (table) => `${quoted(table, table.layout.expires)}, _rowid_`, first: [now, Number.MAX_SAFE_INTEGER] }
}

/** Counts the rows that are unexpired at `now`. @param isIndexed whether there is an index on the expiry: tables of other stores have none */
async function countLive(execute: Execute, now: number, isIndexed: boolean): Promise<number> {
  let sum = 0
  const order = isIndexed ? byExpiry(now) : BY_ROW
  for await (const { where, limits } of ranges(execute, order, COUNTED)) {
    const sql = (table: Table): string =>
      `select count(*) as count from ${table.quoted} where ${where(table)} and ${at(isLive(table))}`
    const { rows } = await execute(sql, [...limits, now])
    sum += Number(Object.values(rows[0]!)[0])
  }
  return sum
}

/** Deletes the rows that have expired at `now`, in a table without an index. Returns how many. */
async function deleteExpired(execute: Execute, now: number): Promise<number> {
  let sum = 0
  for await (const { where, limits } of ranges(execute, BY_ROW, CLEANED)) {
    const sql = (table: Table): string => `delete from ${table.quoted} where ${where(table)} and ${at(isExpired(table))}`
    sum += (await execute(sql, [...limits, now])).count
  }
  return sum
}

async function* ranges(execute: Execute, { key, first }: Order, size: number) {
  const marks = first.map(() => '?').join(', ')
  for (let after: readonly unknown[] | undefined = first; after !== undefined; ) {
    const isAfter = (table: Table): string => `(${key(table)}) > (${marks})`
    const { rows }: Result = await execute(
      (table) =>
        `select ${key(table)} from ${table.quoted} where ${isAfter(table)} order by ${key(table)} limit 1 offset ${size - 1}`,
      after,
    )
    const last: readonly unknown[] | undefined = rows[0] && Object.values(rows[0])
    const where = (table: Table): string =>
      last === undefined ? isAfter(table) : `${isAfter(table)} and (${key(table)}) <= (${marks})`
    yield { where, limits: [...after, ...(last ?? [])] }
    after = last
  }
}

/** The condition with the placeholder of the present time. */
function at(condition: string): string {
  return condition.replaceAll(p.now, '?')
}
