import { createHash } from 'node:crypto'
import type { Result } from '@connect-databank/sql'
import { type BankContext, DatabankError } from 'connect-databank/backend'
import type { Pool, PoolClient, QueryArrayConfig } from 'pg'
import { isOfConnection, isStatementLost, isStatementOutdated } from './errors.ts'
import type { PostgresBankOptions } from './options.ts'

/** Cells are the server's own text, even if the application has configured type parsers for pg. */
const TEXT_ONLY = { getTypeParser: () => (text: string) => text }
/** The part of the store's `timeout` that a statement waits for a connection. */
const CONNECT_PART = 0.5

type Release = (isBroken?: boolean) => void

/** A pool of connections, and how a statement runs on one of them. */
export class PostgresConnection {
  readonly #options: PostgresBankOptions
  readonly #context: BankContext
  readonly #statements = new Map<string, QueryArrayConfig>()
  readonly #inUse = new Set<Release>()
  #pool: Promise<Pool> | Pool | undefined
  #prepares: boolean

  constructor(options: PostgresBankOptions, context: BankContext) {
    this.#options = options
    this.#context = context
    this.#pool = options.pool as Pool | undefined
    this.#prepares = options.prepare ?? true
  }

  execute(text: string, parameters: readonly unknown[], timeout: number): Promise<Result> {
    return this.#run(this.#statementOf(text, timeout), parameters).catch((error: unknown) => {
      if (isStatementLost(error)) this.#stopPreparing()
      else if (!isStatementOutdated(error)) throw error
      return this.#run(statementConfig(text, timeout, false), parameters)
    })
  }

  /** Ends the pool. The bank has waited for its operations: a statement that still runs loses its connection. */
  async close(): Promise<void> {
    if (this.#options.pool !== undefined) return
    const pool = await this.#pool
    const ended = pool?.end()
    for (const release of this.#inUse) release(true)
    await ended
  }

  #run(statement: QueryArrayConfig, parameters: readonly unknown[]): Promise<Result> {
    this.#pool ??= this.#makePool()
    return this.#pool instanceof Promise
      ? this.#pool.then((pool) => this.#runOn(pool, statement, parameters))
      : this.#runOn(this.#pool, statement, parameters)
  }

  #runOn(pool: Pool, statement: QueryArrayConfig, parameters: readonly unknown[]): Promise<Result> {
    const query: QueryArrayConfig = Object.create(statement)
    query.values = parameters as unknown[]
    return new Promise((resolve, reject) => {
      this.#connect(pool, reject, (client, release) => {
        // A lost connection fails the query. Without a listener it would end the process as well.
        client.on('error', ignore)
        client.query(query, (error, result) => {
          client.off('error', ignore)
          release(error && isOfConnection(error))
          if (error) reject(error)
          else resolve({ rows: result.rows, count: result.rowCount ?? 0 })
        })
      })
    })
  }

  /** Takes a connection from the pool. If a connection becomes free too late, the statement is not sent, because its caller has stopped waiting. */
  #connect(pool: Pool, fail: (error: unknown) => void, use: (client: PoolClient, release: Release) => void): void {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isLate = false
    // A pool hands an idle connection to who asked first, and does so in the next turn.
    const isFree = pool.idleCount > pool.waitingCount
    if (!isFree) {
      const wait = this.#context.timeout * CONNECT_PART
      timer = setTimeout(() => {
        isLate = true
        fail(new DatabankError('DATABANK_UNAVAILABLE', `PostgreSQL: no connection within ${wait} ms`))
      }, wait)
    }
    pool.connect((error, client, release) => {
      clearTimeout(timer)
      if (client === undefined) fail(error)
      else if (isLate) release()
      else use(client, this.#releaseOnce(release))
    })
  }

  #releaseOnce(release: Release): Release {
    const once: Release = (isBroken) => {
      if (this.#inUse.delete(once)) release(isBroken)
    }
    this.#inUse.add(once)
    return once
  }

  #statementOf(text: string, timeout: number): QueryArrayConfig {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = statementConfig(text, timeout, this.#prepares)
      this.#statements.set(text, statement)
    }
    return statement
  }

  #stopPreparing(): void {
    if (!this.#prepares) return
    this.#prepares = false
    this.#statements.clear()
    this.#context.warn(
      'PostgreSQL: statements are no longer prepared: a pooler lends connections for one transaction only; say so by prepare: false',
    )
  }

  async #makePool(): Promise<Pool> {
    const { default: pg } = await import('pg')
    const { url, maxConnections, poolOptions } = this.#options
    this.#pool = new pg.Pool({
      keepAlive: true,
      allowExitOnIdle: true,
      connectionTimeoutMillis: this.#context.timeout * CONNECT_PART,
      fallback_application_name: 'connect-databank',
      ...(url !== undefined && { connectionString: url }),
      ...(maxConnections !== undefined && { max: maxConnections }),
      ...poolOptions,
    })
    // The loss of an idle connection has no effect: the next statement gets another connection.
    this.#pool.on('error', ignore)
    return this.#pool
  }
}

const ignore = (): void => {}

/** The configuration of a statement for pg. A query inherits it, because pg copies every own property for each query. */
function statementConfig(text: string, timeout: number, isPrepared: boolean): QueryArrayConfig {
  // Connections that share a statement's name, behind a pooler, share its text too.
  const name = `databank_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
  return { text, rowMode: 'array', types: TEXT_ONLY, query_timeout: timeout, ...(isPrepared && { name }) } as QueryArrayConfig
}
