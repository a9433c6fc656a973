import {
  type Connected,
  columnsOf,
  type Execute,
  isLive,
  newVersion,
  p,
  quoted,
  type Table,
  updatedTimestamps,
  write,
} from '@connect-databank/sql'
import { Coalescer, type Entry } from 'connect-databank/backend'

/** A compare-and-swap of a row that is there. */
export interface Swap {
  readonly id: string
  readonly expected: string
  readonly entry: Entry
  readonly now: number
}

/** How a bank swaps one row, and how it runs a statement on several. */
export interface SwapRunner {
  one(swap: Swap): Promise<string | null>
  run<T>(work: (connected: Connected) => Promise<T>, operations: number): Promise<T>
  readonly execute: Execute
  /** How long one statement may take, in milliseconds. */
  readonly timeout: number
}

/** How many rows a statement has: few sizes, so that there are few statements to prepare. */
const SIZES = [2, 4, 8, 16] as const
/** How many swaps one statement may have, and how many characters of payload. */
const LIMITS = { items: 16, weight: 500_000, weightOf: ({ entry }: Swap) => entry.payload.length }

const TYPES = { id: 'text', payload: 'text', expires: 'float8', owner: 'text', version: 'bigint', now: 'float8' } as const

/** Sends swaps that come in together as one statement. */
export function coalesceSwaps(runner: SwapRunner): Coalescer<Swap, string | null> {
  const many = (swaps: readonly Swap[]): Promise<(string | null | Promise<string | null>)[]> =>
    runner.run((connected) => swapMany(runner, connected, swaps), swaps.length)
  return new Coalescer((swap) => runner.one(swap), many, LIMITS)
}

async function swapMany(
  { one, execute, timeout }: SwapRunner,
  { table, records }: Connected,
  swaps: readonly Swap[],
): Promise<(string | null | Promise<string | null>)[]> {
  // Of several swaps of one row, one is in the statement.
  const byId = new Map(swaps.map((swap) => [swap.id, { swap, version: newVersion() }]))
  const fields = fieldsOf(table)
  const parameters = [...byId.values()].flatMap(({ swap: { id, expected, entry, now }, version }) => {
    records.requireHolds(id)
    const values = {
      ...records.valuesOf(id, entry, version),
      expected: records.expected(expected) ?? null,
      now: records.now(now),
    }
    return fields.map((field) => values[field])
  })
  const size = SIZES.find((each) => each >= byId.size)!
  // Rows that are all null match nothing.
  const padding = new Array(size * fields.length - parameters.length).fill(null)
  const { rows } = await execute(statementOf(table, size), [...parameters, ...padding], timeout)

  const swapped = new Set(rows.map((row) => records.idOf(row)))
  return swaps.map((swap) => {
    const sent = byId.get(swap.id)!
    if (sent.swap !== swap) return one(swap)
    if (!swapped.has(swap.id)) return null
    return table.layout.version === undefined ? swap.entry.payload : String(sent.version)
  })
}

function fieldsOf({ layout }: Table) {
  return [...columnsOf(layout).map(([field]) => field), 'expected', 'now'] as const
}

const statements = new WeakMap<Table, Map<number, string>>()

function statementOf(table: Table, size: number): string {
  const ofTable = statements.get(table) ?? new Map<number, string>()
  statements.set(table, ofTable)
  const text = ofTable.get(size) ?? makeStatement(table, size)
  ofTable.set(size, text)
  return text
}

/** Locks the rows that match, in the order of their ids, and writes them. Returns their ids. */
function makeStatement(table: Table, size: number): string {
  const { layout } = table
  const compared = layout.version ?? layout.payload
  const [id, stored] = [quoted(table, layout.id, 't'), quoted(table, compared, 't')]
  const isExpected = compared.equals?.(stored, 'n.expected') ?? `${stored} = n.expected`
  const isUnexpired = isLive(table, 't').replaceAll(p.now, 'n.now')
  const given = `(values ${valuesOf(table, size)}) as n (${fieldsOf(table).join(', ')})`
  const matching = `select n.* from ${given} join ${table.quoted} as t on ${id} = n.id where ${isExpected} and ${isUnexpired} order by ${id} for update of t`
  const sets = columnsOf(layout)
    .slice(1)
    .map(([field, column]) => `${quoted(table, column)} = ${write(column, `n.${field}`)}`)
  return `update ${table.quoted} as t set ${[...sets, ...updatedTimestamps(table)].join(', ')} from (${matching}) as n where ${id} = n.id returning ${id} as id`
}

/** The rows of parameters. */
function valuesOf(table: Table, size: number): string {
  const types = { ...TYPES, expected: TYPES[table.layout.version === undefined ? 'payload' : 'version'] }
  let position = 0
  const row = (): string => `(${fieldsOf(table).map((field) => `$${++position}::${types[field]}`)})`
  return Array.from({ length: size }, row).join(', ')
}
