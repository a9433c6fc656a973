import { SqlBank, withRetries } from '@connect-databank/sql'
import { type BankContext, type Coalescer, DEFAULT_CONTEXT, type Entry } from 'connect-databank/backend'
import { PostgresConnection } from './connection.ts'
import { postgresDialect } from './dialect.ts'
import { checkBankOptions, type PostgresBankOptions } from './options.ts'
import { coalesceSwaps, type Swap } from './swaps.ts'

/** The part of the store's `timeout` that a statement with several swaps may take. */
const SWAP_PART = 0.45

/** Sessions in a table of PostgreSQL. */
export class PostgresBank extends SqlBank {
  readonly #swaps: Coalescer<Swap, string | null>

  constructor(options: PostgresBankOptions = {}, context: BankContext = DEFAULT_CONTEXT) {
    checkBankOptions(options)
    const { url, pool, maxConnections, poolOptions, prepare, ...tableOptions } = options
    const connection = new PostgresConnection(options, context)
    const execute = connection.execute.bind(connection)
    super({ ...tableOptions, dialect: postgresDialect, execute, close: () => connection.close() }, context)
    this.#swaps = coalesceSwaps({
      one: ({ id, expected, entry, now }) => super.swap(id, expected, entry, now),
      run: (work, operations) => this.run(work, operations),
      execute: withRetries(postgresDialect, execute),
      timeout: context.timeout * SWAP_PART,
    })
  }

  /** Swaps that come in together are one statement. */
  override swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    return expected === null ? super.swap(id, expected, entry, now) : this.#swaps.request({ id, expected, entry, now })
  }

  override close(): Promise<void> {
    this.#swaps.flush()
    return super.close()
  }
}
