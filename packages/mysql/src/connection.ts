import type { Result } from '@connect-databank/sql'
import { type BankContext, DatabankError, invalidOption } from 'connect-databank/backend'
import type { Pool, PoolConnection, ResultSetHeader } from 'mysql2'
import type { Pool as PromisePool } from 'mysql2/promise'
import { codeOf, isOfConnection } from './errors.ts'
import type { MysqlBankOptions } from './options.ts'

/** The part of the store's `timeout` that a statement waits for a connection. */
const CONNECT_PART = 0.4
/** The options for reading cells. They override those of the application's pool. */
const AS_EXPECTED = { rowsAsArray: true, typeCast: true, nestTables: false }
/** Characters of two, three and four bytes. Only a connection in utf8mb4 sends and returns all of them. */
const SAMPLE = 'é€😀'
const SAMPLE_BYTES = Buffer.from(SAMPLE).toString('hex').toUpperCase()

/** A pool of connections, and how a statement runs on one of them. */
export class MysqlConnection {
  readonly #options: MysqlBankOptions
  readonly #context: BankContext
  #pool: Pool | undefined
  /** The largest packet that the server accepts, in bytes. During a larger one, it closes the connection. */
  #maxPacket: number | undefined

  constructor(options: MysqlBankOptions, context: BankContext) {
    this.#options = options
    this.#context = context
    this.#pool = options.pool && callbackPoolOf(options.pool)
  }

  /** Runs a statement, which each connection prepares once. */
  execute(text: string, parameters: readonly unknown[], timeout: number): Promise<Result> {
    const pool = this.#pool
    const maxPacket = this.#maxPacket
    if (pool === undefined || maxPacket === undefined) {
      return this.#prepare(timeout).then(() => this.execute(text, parameters, timeout))
    }
    if (isLarger(parameters, maxPacket)) return Promise.reject(tooLarge(maxPacket))
    return this.#run(pool, text, parameters.map(parameterOf), timeout)
  }

  async close(): Promise<void> {
    const pool = this.#pool
    if (pool === undefined || this.#options.pool !== undefined) return
    await new Promise<void>((resolve, reject) => pool.end((error) => (error ? reject(error) : resolve())))
  }

  /** Takes a connection from the pool. If a connection becomes free too late, the statement is not sent, because its caller has stopped waiting. */
  #connect(pool: Pool, fail: (error: unknown) => void, use: (connection: PoolConnection) => void): void {
    const wait = this.#context.timeout * CONNECT_PART
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      fail(new DatabankError('DATABANK_UNAVAILABLE', `MySQL: no connection within ${wait} ms`))
    }, wait)
    pool.getConnection((error, connection) => {
      clearTimeout(timer)
      if (error) fail(error)
      else if (isLate) connection.release()
      else use(connection)
    })
  }

  /**
   * Runs a statement on a connection of the pool. The time-out is that of this class: mysql2 has none for the preparation of a statement.
   * A connection that does not answer in time is destroyed.
   */
  #run(pool: Pool, sql: string, values: unknown[], timeout: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#connect(pool, reject, (connection) => {
        let isLate = false
        const timer = setTimeout(() => {
          isLate = true
          connection.destroy()
          reject(new DatabankError('DATABANK_TIMEOUT', `MySQL: no answer within ${timeout} ms`))
        }, timeout)
        connection.execute({ sql, values, ...AS_EXPECTED }, (error, result) => {
          if (isLate) return
          clearTimeout(timer)
          if (error && isOfConnection(error)) connection.destroy()
          else connection.release()
          if (error) reject(error)
          else resolve(resultOf(result))
        })
      })
    })
  }

  async #prepare(timeout: number): Promise<void> {
    const pool = this.#pool ?? (await this.#makePool())
    this.#pool = pool
    const sql = 'select @@max_allowed_packet, @@autocommit, hex(convert(? using utf8mb4)), ?'
    const { rows } = await this.#run(pool, sql, [SAMPLE, SAMPLE], timeout).catch((error: object) => {
      throw codeOf(error) === 'DATABANK_INVALID_SESSION' ? notUtf8() : error
    })
    const [maxPacket, autocommit, received, returned] = rows[0] as unknown[]
    if (received !== SAMPLE_BYTES || returned !== SAMPLE) throw notUtf8()
    // Each statement would start a transaction without a commit.
    if (Number(autocommit) !== 1) throw invalidOption("MySQL: autocommit is off on the pool's connections; turn it on")
    this.#maxPacket = Number(maxPacket)
  }

  async #makePool(): Promise<Pool> {
    const { default: mysql } = await import('mysql2')
    const { url, maxConnections, poolOptions } = this.#options
    return mysql.createPool({
      // mysql2 knows one protocol, by this name.
      uri: url!.replace(/^mariadb:/, 'mysql:'),
      charset: 'utf8mb4',
      connectTimeout: this.#context.timeout * CONNECT_PART,
      connectionLimit: maxConnections ?? 10,
      ...poolOptions,
    })
  }
}

/** A pool of `mysql2/promise` wraps a pool with callbacks. */
function callbackPoolOf(pool: Pool | PromisePool): Pool {
  const { pool: inner } = pool as { pool?: Pool }
  return typeof inner?.getConnection === 'function' ? inner : (pool as Pool)
}

/** mysql2 sends a number as DOUBLE, which `limit` refuses. */
function parameterOf(value: unknown): string | Buffer | null {
  return value === null || value === undefined || Buffer.isBuffer(value) ? (value ?? null) : String(value)
}

/** An upper limit of a statement's size without its parameters, in bytes. */
const STATEMENT_BYTES = 4_096

function isLarger(parameters: readonly unknown[], maxPacket: number): boolean {
  let length = STATEMENT_BYTES
  for (const each of parameters) if (typeof each === 'string') length += each.length
  // A character takes three bytes at most for each of its code units.
  if (length * 3 <= maxPacket) return false
  for (const each of parameters) if (typeof each === 'string') length += Buffer.byteLength(each) - each.length
  return length > maxPacket
}

function tooLarge(maxPacket: number): DatabankError {
  return new DatabankError('DATABANK_INVALID_SESSION', `MySQL: the session is larger than max_allowed_packet, ${maxPacket} bytes`)
}

/** In another character set, a session would be stored with other characters, which may even be those of JSON. */
function notUtf8(): TypeError {
  return invalidOption(
    "MySQL: the pool's connections are not in the character set utf8mb4; give the pool the option charset: 'utf8mb4'",
  )
}

function resultOf(result: unknown): Result {
  if (Array.isArray(result)) return { rows: result, count: 0 }
  const { affectedRows, info } = result as ResultSetHeader
  return { rows: [], count: affectedRows || matchedRows(info) }
}

/**
 * How many rows an update has found. With the flag `-FOUND_ROWS` of a pool, `affectedRows` leaves out those that stayed as they were.
 *
 * @param info of an update, such as `Rows matched: 1  Changed: 0  Warnings: 0`, in the server's language
 */
function matchedRows(info: string): number {
  return Number(/\d+/.exec(info)?.[0] ?? 0)
}
