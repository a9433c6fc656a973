import {
  type Dialect,
  isExpired,
  isLive,
  type Layout,
  onConflict,
  p,
  quoted,
  updatedTimestamps,
  write,
} from '@connect-databank/sql'
import { codeOf, isMissingTable } from './errors.ts'
import { createdAtOnce, ownLayout, peerLayouts } from './layouts.ts'

/** SQLite 3.46 and later. */
export const sqliteDialect: Dialect = {
  name: 'SQLite',
  backend: 'sqlite',
  server: `select 'SQLite ' || sqlite_version() as server`,
  own: ownLayout,
  layouts: peerLayouts,
  // A statement blocks the event loop of this process.
  batch: 100,

  placeholder: () => '?',
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,

  save: (table) => onConflict(table),
  insert: (table) => [onConflict(table, isExpired(table, table.quoted))],
  isOneOf: (expression) => `${expression} in (select value from json_each(${p.ids}))`,
  toList: (ids, { layout: { id } }) => JSON.stringify(ids.map((each) => id.toParameter?.(each) ?? each)),

  touchMany(table) {
    const { id, expires } = table.layout
    const sets = [`${quoted(table, expires)} = ${write(expires, 'touch.value ->> 1')}`, ...updatedTimestamps(table)]
    return `update ${table.quoted} set ${sets.join(', ')} from json_each(${p.ids}) as touch where ${quoted(table, id, table.quoted)} = touch.value ->> 0 and ${isLive(table, table.quoted)}`
  },
  touchValues: (touches, { layout: { id, expires } }) => ({
    ids: JSON.stringify(touches.map(([each, time]) => [id.toParameter?.(each) ?? each, expires.toParameter?.(time) ?? time])),
  }),

  purge(table) {
    const expired = `select _rowid_ from ${table.quoted} where ${isExpired(table)} order by ${quoted(table, table.layout.expires)} limit ${p.limit}`
    return `delete from ${table.quoted} where _rowid_ in (${expired})`
  },

  codeOf,
  isMissingTable,
}

/** For a connection that runs several statements as one. */
export const scriptDialect: Dialect = {
  ...sqliteDialect,
  own: createdAtOnce(ownLayout),
  layouts: Object.fromEntries(Object.entries(peerLayouts).map(([name, layout]) => [name, createdAtOnce<Layout>(layout)])),
}
