import {
  type Dialect,
  equals,
  insertRow,
  isExpired,
  isLive,
  p,
  quoted,
  replaced,
  type Table,
  updatedTimestamps,
  write,
} from '@connect-databank/sql'
import { codeOf, isDuplicate, isMissingTable, isTransient } from './errors.ts'
import { ownLayout, peerLayouts } from './layouts.ts'
import { bytesOf } from './records.ts'

/** MySQL 8 and later, MariaDB 10.6 and later. */
export const mysqlDialect: Dialect = {
  name: 'MySQL',
  backend: 'mysql',
  server: `select concat(if(version() like '%MariaDB%', 'MariaDB ', 'MySQL '), substring_index(version(), '-', 1)) as server`,
  own: ownLayout,
  layouts: peerLayouts,

  placeholder: () => '?',
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  // In UTC: local time is ambiguous when summer time ends.
  clock: "select cast(timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) div 1000 as char) as time",

  save(table) {
    // MariaDB has no alias for the new row; MySQL still has values().
    const sets = replaced(table).map((name) => `${name} = values(${name})`)
    return `${insertRow(table)} on duplicate key update ${sets.join(', ')}`
  },
  // Between the first two, another process may delete the expired row.
  insert: (table) => [insertRow(table), replaceExpired(table), insertRow(table)],
  isOneOf: (expression, table) => `${expression} in (select ${idOf(table)} from ${list('varchar(800)')})`,
  toList: (ids) => JSON.stringify(ids.map(hexOf)),

  touchMany(table) {
    const { expires } = table.layout
    const times = expires.toParameter === undefined ? 'bigint' : 'varchar(40)'
    const touches = `json_table(${p.ids}, '$[*]' columns (id varchar(800) path '$[0]', expires ${times} path '$[1]')) as j`
    const sets = [
      `t.${quoted(table, expires)} = ${write(expires, 'j.expires')}`,
      ...updatedTimestamps(table).map((set) => `t.${set}`),
    ]
    return `update ${touches} straight_join ${table.quoted} as t on ${isListed(table)} set ${sets.join(', ')} where ${isLive(table, 't')}`
  },
  // In the order of their ids: rows are locked in this order.
  touchValues: (touches, { layout: { expires } }) => ({
    ids: JSON.stringify(
      touches
        .map(([id, time]) => [hexOf(id), expires.toParameter?.(time) ?? time] as const)
        .sort(([first], [second]) => (first < second ? -1 : 1)),
    ),
  }),

  deleteMany(table) {
    return `delete t from ${list('varchar(800)')} straight_join ${table.quoted} as t on ${isListed(table)}`
  },

  purge: (table) =>
    `delete from ${table.quoted} where ${isExpired(table)} order by ${quoted(table, table.layout.expires)} limit ${p.limit}`,

  codeOf,
  isTransient,
  isMissingTable,
  isDuplicate,
}

/** Ids go to the server as hexadecimal: JSON would change none, but a character set might. */
function hexOf(id: string): string {
  return Buffer.from(id).toString('hex')
}

/** The ids of the parameter `ids`, as a table `j`. */
function list(type: string): string {
  return `json_table(${p.ids}, '$[*]' columns (id ${type} path '$')) as j`
}

/** The id in the table `j`, as the column of ids holds it: bytes in the table of its own, text in those of other stores. */
function idOf({ layout: { id } }: Table): string {
  if (id.toParameter !== undefined) return 'unhex(j.id)'
  const text = 'convert(unhex(j.id) using utf8mb4)'
  return id.convert?.(text) ?? text
}

/** True if the row of `t` has the id in the table `j`. Two texts may be equal by the collation, so their bytes are also compared. */
function isListed(table: Table): string {
  const { id } = table.layout
  const column = quoted(table, id, 't')
  const isFound = `${column} = ${idOf(table)}`
  return id.toParameter !== undefined ? isFound : `${isFound} and ${bytesOf(column)} = unhex(j.id)`
}

function replaceExpired(table: Table): string {
  const { layout } = table
  const columns = (['payload', 'expires', 'owner', 'version'] as const).flatMap((field) => {
    const column = layout[field]
    return column === undefined ? [] : [`${quoted(table, column)} = ${write(column, p[field])}`]
  })
  const sets = [...columns, ...updatedTimestamps(table)]
  return `update ${table.quoted} set ${sets.join(', ')} where ${equals(table, layout.id, p.id)} and ${isExpired(table)}`
}
