import { type Finding, fail, ok, warn } from './finding.ts'

/** The facts about a table for the examination: the columns with which an index should begin. */
export interface TableNames {
  readonly table: string
  readonly id: string
  readonly expires: string
  /** Absent if the table has no owners. */
  readonly owner?: string
}

/** By the option `layout`. The packages of the backends say the same, with all the rest. */
const LAYOUTS: Readonly<Record<string, TableNames>> = {
  own: { table: 'databank_sessions', id: 'id', expires: 'expires', owner: 'owner' },
  'connect-pg-simple': { table: 'session', id: 'sid', expires: 'expire' },
  'express-mysql-session': { table: 'sessions', id: 'session_id', expires: 'expires' },
  'connect-session-sequelize': { table: 'Sessions', id: 'sid', expires: 'expires' },
  'connect-session-knex': { table: 'sessions', id: 'sid', expires: 'expired' },
  'connect-sqlite3': { table: 'sessions', id: 'sid', expires: 'expired' },
  'better-sqlite3-session-store': { table: 'sessions', id: 'sid', expires: 'expire' },
}

/** The table that the options of a bank name. */
export function tableOf({ layout, table }: Readonly<Record<string, unknown>>): TableNames {
  const names = LAYOUTS[String(layout ?? 'own')] ?? LAYOUTS['own']!
  return typeof table === 'string' ? { ...names, table } : names
}

/**
 * The findings about the indexes of a table.
 *
 * @param indexed the first column of each index
 * @param quoted the table as SQL names it
 */
export function* indexFindings(names: TableNames, indexed: readonly string[], quoted: string): Generator<Finding> {
  const { id, expires, owner } = names
  const missing: Finding[] = []
  if (!indexed.includes(id)) {
    missing.push(
      fail(
        'indexes',
        `${id} has no primary key: each request reads the whole table`,
        `alter table ${quoted} add primary key (${id})`,
      ),
    )
  }
  if (!indexed.includes(expires)) {
    missing.push(
      warn('indexes', `none on ${expires}: each clean-up reads the whole table`, `create index on ${quoted} (${expires})`),
    )
  }
  if (owner !== undefined && !indexed.includes(owner)) {
    missing.push(
      warn(
        'indexes',
        `none on ${owner}: to find a user's sessions reads the whole table`,
        `create index on ${quoted} (${owner}, ${id})`,
      ),
    )
  }
  if (missing.length === 0) yield ok('indexes', [id, expires, ...(owner === undefined ? [] : [owner])].join(', '))
  yield* missing
}

/** The rights that the store needs on its table. */
export const TABLE_RIGHTS = ['select', 'insert', 'update', 'delete'] as const

export function missingRights(missing: readonly string[], quoted: string, user: string): Finding {
  if (missing.length === 0) return ok('rights', `${TABLE_RIGHTS.join(', ')} on the table`)
  return fail('rights', `missing on the table: ${missing.join(', ')}`, `grant ${missing.join(', ')} on ${quoted} to ${user}`)
}
