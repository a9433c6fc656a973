import {
  type ExpiresColumn,
  escapedText,
  type IdColumn,
  type Layout,
  type LayoutName,
  type TableName,
} from '@connect-databank/sql'
import { peerJson, peerText } from './records.ts'

/** The table of its own. Numbers are read as text, because clients convert numbers differently. */
export const ownLayout: Layout = {
  table: 'databank_sessions',
  id: { name: 'id', ...escapedText },
  payload: { name: 'payload', ...escapedText },
  expires: { name: 'expires', read: (column) => `${column}::text` },
  owner: { name: 'owner', ...escapedText },
  version: { name: 'version', read: (column) => `${column}::text` },
  create: ({ quoted }) => [
    atOnce(
      `create table ${quoted} (id text collate "C" primary key, payload text not null, expires bigint, owner text collate "C", version bigint not null)`,
      `create index on ${quoted} (expires)`,
      `create index on ${quoted} (owner, id) where owner is not null`,
    ),
  ],
}

/** Runs several statements as one, so that all of them run or none, even if the process ends in between. */
function atOnce(...statements: readonly string[]): string {
  const block = `begin ${statements.join('; ')}; end`
  const quote = dollarQuoteOf(block)
  return `do ${quote} ${block} ${quote}`
}

/** A dollar quote that the text does not contain. The name of a table may contain any. */
function dollarQuoteOf(text: string): string {
  let tag = 'databank'
  while (text.includes(`$${tag}$`)) tag += '_'
  return `$${tag}$`
}

/** A time with or without time zone. Without, it is local time of the connection's time zone, as other stores write it. */
function peerTime(name: string): ExpiresColumn {
  return {
    name,
    write: (milliseconds) => `coalesce(to_timestamp(${milliseconds}::float8 / 1000), 'infinity')`,
    read: (column) =>
      `case when isfinite(${column}) then round(extract(epoch from ${column}::timestamptz) * 1000)::text when ${column} < 'epoch' then '0' end`,
  }
}

/** An id in a table that other programs read: nothing is escaped. */
function peerId(maxLength = Number.POSITIVE_INFINITY): IdColumn {
  return { name: 'sid', holds: (id) => !id.includes('\0') && [...id].length <= maxLength }
}

/** The layout of a table whose sessions are json or, in some applications, jsonb. */
function jsonLayout(layout: Layout): Layout {
  return {
    ...layout,
    async adapt({ quoted }, select) {
      const [row] = await select(
        `select atttypid::regtype::text as type from pg_attribute where attrelid = '${quoted.replaceAll("'", "''")}'::regclass and attname = '${layout.payload.name}'`,
      )
      const type = row?.[0]
      if (type === 'text') return { ...layout, payload: peerText(layout.payload.name) }
      return type === 'jsonb' ? { ...layout, payload: peerJson(layout.payload.name, 'jsonb') } : layout
    },
  }
}

const connectPgSimple = jsonLayout({
  table: 'session',
  id: peerId(),
  payload: peerJson('sess', 'json'),
  expires: peerTime('expire'),
  create: (table) => [
    atOnce(
      `create table ${table.quoted} ("sid" varchar not null primary key, "sess" json not null, "expire" timestamp(6) not null)`,
      `create index ${indexName(table, 'session', 'IDX_session_expire')} on ${table.quoted} ("expire")`,
    ),
  ],
})

const connectSessionKnex = jsonLayout({
  table: 'sessions',
  id: peerId(255),
  payload: peerJson('sess', 'json'),
  expires: peerTime('expired'),
  create: (table) => [
    atOnce(
      `create table ${table.quoted} ("sid" varchar(255) not null primary key, "sess" json not null, "expired" timestamptz not null)`,
      `create index ${indexName(table, 'sessions', 'sessions_expired_index')} on ${table.quoted} ("expired")`,
    ),
  ],
})

const connectSessionSequelize: Layout = {
  table: 'Sessions',
  id: peerId(36),
  payload: peerText('data'),
  expires: peerTime('expires'),
  timestamps: [
    { name: 'createdAt', sql: 'now()', isUpdated: false },
    { name: 'updatedAt', sql: 'now()', isUpdated: true },
  ],
  create: ({ quoted }) => [
    `create table ${quoted} ("sid" varchar(36) primary key, "expires" timestamptz, "data" text, "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`,
  ],
}

/** The name that the other store gives the index of its default table; PostgreSQL's choice for another table. */
function indexName(table: TableName, defaultTable: string, name: string): string {
  return table.name === defaultTable ? table.quote(name) : ''
}

/** The tables of other stores. */
export const peerLayouts: Readonly<Partial<Record<LayoutName, Layout>>> = {
  'connect-pg-simple': connectPgSimple,
  'connect-session-knex': connectSessionKnex,
  'connect-session-sequelize': connectSessionSequelize,
}
