import { type Dialect, isExpired, isLive, onConflict, p, quoted, updatedTimestamps, write } from '@connect-databank/sql'
import { codeOf, MISSING_TABLE, stateOf, TRANSIENT } from './errors.ts'
import { ownLayout, peerLayouts } from './layouts.ts'

/** PostgreSQL 12 and later. */
export const postgresDialect: Dialect = {
  name: 'PostgreSQL',
  backend: 'postgres',
  // Some distributions add text after the version.
  server: `select 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) as server`,
  own: ownLayout,
  layouts: peerLayouts,

  placeholder: (position) => `$${position}`,
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  clock: 'select round(extract(epoch from clock_timestamp()) * 1000)::text as time',

  save: (table) => onConflict(table),
  insert: (table) => [onConflict(table, isExpired(table, table.quoted))],
  isOneOf: (expression) => `${expression} = any(${p.ids}::text[])`,
  toList: (ids, { layout }) => ids.map((id) => layout.id.toParameter?.(id) ?? id),

  touchMany(table) {
    const { id, expires } = table.layout
    const [idName, expiresName] = [quoted(table, id), quoted(table, expires)]
    const touches = `unnest(${p.ids}::text[], ${p.times}::float8[]) as touch (id, expires)`
    const locked = `select t.${idName} as id, touch.expires from ${touches} join ${table.quoted} as t on t.${idName} = touch.id where ${isLive(table, 't')} order by 1 for update of t`
    const sets = [`${expiresName} = ${write(expires, 'locked.expires')}`, ...updatedTimestamps(table)]
    return `update ${table.quoted} as t set ${sets.join(', ')} from (${locked}) as locked where t.${idName} = locked.id`
  },
  touchValues: (touches, { layout: { id, expires } }) => ({
    ids: touches.map(([each]) => id.toParameter?.(each) ?? each),
    times: touches.map(([, time]) => expires.toParameter?.(time) ?? time),
  }),

  deleteMany(table) {
    const id = quoted(table, table.layout.id)
    const locked = `select ${id} from ${table.quoted} where ${id} = any(${p.ids}::text[]) order by ${id} for update`
    return `delete from ${table.quoted} where ${id} = any(array(${locked}))`
  },

  purge(table) {
    const id = quoted(table, table.layout.id)
    const expired = `select ${id} from ${table.quoted} where ${isExpired(table)} order by ${quoted(table, table.layout.expires)} limit ${p.limit} for update skip locked`
    return `delete from ${table.quoted} where ${id} = any(array(${expired}))`
  },

  codeOf,
  isTransient: (error) => TRANSIENT.has(stateOf(error) ?? ''),
  isMissingTable: (error) => stateOf(error) === MISSING_TABLE,
}
