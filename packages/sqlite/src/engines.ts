import { createRequire } from 'node:module'
import { DatabankError } from 'connect-databank/backend'

/** The two packages that run SQLite in this process. */
export const ENGINES = ['node:sqlite', 'better-sqlite3'] as const

export type EngineName = (typeof ENGINES)[number]

export type Row = readonly unknown[] | Readonly<Record<string, unknown>>

/** What both engines have in common. Every call is synchronous. */
interface Driver {
  exec(sql: string): unknown
  prepare(sql: string): DriverStatement
  close(): void
}

interface DriverStatement {
  all(...parameters: readonly unknown[]): Row[]
  run(...parameters: readonly unknown[]): { readonly changes: number | bigint }
  /** better-sqlite3: rows are arrays. */
  raw?(): void
  /** node:sqlite of Node.js 22.16 and later: rows are arrays. */
  setReturnArrays?(enabled: boolean): void
}

type DriverClass = new (path: string, options?: object) => Driver

/** A connection to one database, with its prepared statements. */
export class Database {
  readonly #driver: Driver
  readonly #statements = new Map<string, DriverStatement>()

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** The rows of a `select`: arrays in the order of the columns, or objects by their names. */
  all(sql: string, parameters: readonly unknown[] = []): Row[] {
    return (this.#statements.get(sql) ?? this.#prepare(sql, true)).all(...parameters)
  }

  /** Runs another statement. Returns how many rows it inserted, matched or deleted. */
  run(sql: string, parameters: readonly unknown[] = []): number {
    return Number((this.#statements.get(sql) ?? this.#prepare(sql, false)).run(...parameters).changes)
  }

  /** Runs several statements without parameters. */
  exec(sql: string): void {
    this.#driver.exec(sql)
  }

  close(): void {
    this.#driver.close()
  }

  #prepare(sql: string, hasRows: boolean): DriverStatement {
    const statement = this.#driver.prepare(sql)
    if (hasRows) {
      statement.raw?.()
      statement.setReturnArrays?.(true)
    }
    this.#statements.set(sql, statement)
    return statement
  }
}

/** An engine that was loaded. */
export interface Engine {
  /** The module that another thread requires for the same engine: `node:sqlite`, or the path of better-sqlite3, if it is known. */
  readonly module: string | undefined
  open(path: string): Database
}

/**
 * Loads an engine.
 *
 * @throws DATABANK_MISSING_PACKAGE
 */
export async function loadEngine(name?: EngineName): Promise<Engine> {
  const BuiltIn = name === 'better-sqlite3' ? undefined : builtInDriver()
  if (BuiltIn !== undefined) return { module: 'node:sqlite', open: (path) => new Database(new BuiltIn(path)) }
  if (name === 'node:sqlite') {
    throw new DatabankError(
      'DATABANK_MISSING_PACKAGE',
      `Node.js ${process.versions.node} has no node:sqlite; 22.13 and later have it`,
    )
  }
  const Driver = await betterSqlite3()
  // Its own wait for a lock would block the event loop.
  return { module: pathOf('better-sqlite3'), open: (path) => new Database(new Driver(path, { timeout: 0 })) }
}

function builtInDriver(): DriverClass | undefined {
  const module = process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: DriverClass } | undefined
  return module?.DatabaseSync
}

async function betterSqlite3(): Promise<DriverClass> {
  try {
    // Not a literal, so that the types of this optional package are not needed.
    const name: string = 'better-sqlite3'
    const { default: Driver } = (await import(name)) as { default: DriverClass }
    // Loads the native part, which may be missing or made for another Node.js.
    new Driver(':memory:').close()
    return Driver
  } catch (cause) {
    const advice = `npm install better-sqlite3, or use Node.js 22.13 or later, which has node:sqlite`
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `better-sqlite3 cannot be loaded: ${advice}`, { cause })
  }
}

/**
 * The path of an installed package, as this file resolves it. Undefined if a bundler has moved this file: another copy of the
 * package in the same process would be another copy of SQLite.
 */
function pathOf(name: string): string | undefined {
  try {
    return createRequire(__filename).resolve(name)
  } catch {
    return undefined
  }
}
