import { createHash } from 'node:crypto'
import type { Result } from '@connect-databank/sql'
import type { BankContext } from 'connect-databank/backend'
import type { Pool, PoolClient, QueryArrayConfig } from 'pg'
import { isLostStatement, isOfConnection } from './errors.ts'
import type { PostgresBankOptions } from './options.ts'

/** Cells are the server's own text, whatever the application has told pg to make of their types. */
const TEXT_ONLY = { getTypeParser: () => (text: string) => text }
/** The part of the store's `timeout` that a statement waits for a connection. */
const CONNECT_PART = 0.4

/** A pool of connections, and how a statement runs on one of them. */
export class PostgresConnection {
  readonly #options: PostgresBankOptions
  readonly #context: BankContext
  readonly #names = new Map<string, string>()
  #pool: Promise<Pool> | Pool | undefined
  #prepares: boolean

  constructor(options: PostgresBankOptions, context: BankContext) {
    this.#options = options
    this.#context = context
    this.#pool = options.pool
    this.#prepares = options.prepare ?? true
  }

  async execute(text: string, parameters: readonly unknown[], timeout: number): Promise<Result> {
    try {
      return await this.#run(text, parameters, timeout, this.#prepares)
    } catch (error) {
      if (!isLostStatement(error)) throw error
      this.#stopPreparing()
      return this.#run(text, parameters, timeout, false)
    }
  }

  async close(): Promise<void> {
    if (this.#options.pool === undefined) await (await this.#pool)?.end()
  }

  async #run(text: string, parameters: readonly unknown[], timeout: number, prepares: boolean): Promise<Result> {
    this.#pool ??= this.#makePool()
    const pool = this.#pool instanceof Promise ? await this.#pool : this.#pool
    const client = await pool.connect()
    // A lost connection fails the statement. Without a listener it would end the process as well.
    client.on('error', ignore)
    let isBroken = false
    try {
      return await query(client, { text, values: parameters, timeout, name: prepares ? this.#nameOf(text) : undefined })
    } catch (error) {
      isBroken = isOfConnection(error)
      throw error
    } finally {
      client.off('error', ignore)
      client.release(isBroken)
    }
  }

  /** Connections that share a name in one pooler share the statement. */
  #nameOf(text: string): string {
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `databank_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
      this.#names.set(text, name)
    }
    return name
  }

  #stopPreparing(): void {
    if (!this.#prepares) return
    this.#prepares = false
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
    // A connection that is lost while it is idle concerns nobody: the next statement gets another.
    this.#pool.on('error', ignore)
    return this.#pool
  }
}

const ignore = (): void => {}

async function query(
  client: PoolClient,
  {
    timeout,
    name,
    values,
    ...statement
  }: { text: string; values: readonly unknown[]; timeout: number; name: string | undefined },
): Promise<Result> {
  const config = { ...statement, values: [...values], rowMode: 'array' as const, types: TEXT_ONLY, query_timeout: timeout }
  const { rows, rowCount } = await client.query((name === undefined ? config : { ...config, name }) as QueryArrayConfig)
  return { rows, count: rowCount ?? 0 }
}
