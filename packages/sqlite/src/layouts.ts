import { type ExpiresColumn, escapedText, type IdColumn, type Layout, type LayoutName } from '@connect-databank/sql'
import { peerJson, peerText } from './records.ts'

/** The latest time of a Date, in epoch milliseconds. */
const LAST_TIME = 8.64e15
/** The time that stands for no expiry, so that an index can find the unexpired entries. */
const NEVER = 9e15

/** Epoch milliseconds as a whole number. */
const ownTime: ExpiresColumn = {
  name: 'expires',
  // Another program may write a number that is too large for JavaScript's integers.
  read: (column) => `cast(${column} as real)`,
  toParameter: (time) => time ?? NEVER,
  fromCell: (cell) => (Number(cell) > LAST_TIME ? null : Number(cell)),
  isLive: (column, now) => `${column} > ${now}`,
}

/** The table of its own. The payload is last, so that the other columns are found without reading it. */
export const ownLayout: Layout = {
  table: 'databank_sessions',
  id: { name: 'id', ...escapedText },
  payload: { name: 'payload', ...escapedText },
  expires: ownTime,
  owner: { name: 'owner', ...escapedText },
  version: { name: 'version' },
  create: ({ name, quoted, quote }) => [
    `create table if not exists ${quoted} (id text not null primary key, expires integer not null, version integer not null, owner text, payload text not null) strict`,
    `create index if not exists ${quote(`${name}_expires`)} on ${quoted} (expires)`,
    `create index if not exists ${quote(`${name}_owner`)} on ${quoted} (owner, id) where owner is not null`,
  ],
}

/** An id in a table that other programs read: nothing is escaped. */
const peerId: IdColumn = { name: 'sid', holds: (id) => !id.includes('\0') }

/** Epoch milliseconds in a column without a type. A value that is not a number has expired. */
function peerMilliseconds(name: string): ExpiresColumn {
  const time = (column: string): string => `ifnull(cast(${column} as real), 0)`
  return {
    ...ownTime,
    name,
    read: time,
    isLive: (column, now) => `${time(column)} > ${now}`,
    isExpired: (column, now) => `${time(column)} <= ${now}`,
  }
}

/** The last time that SQLite's functions know. In a column that may not be null, it stands for no expiry. */
const LAST_ISO = '9999-12-31T23:59:59.999Z'

/** A time as text, in any format that SQLite's own functions read. Other text has expired; null never expires. */
function isoTime(name: string, format: (iso: string) => string): ExpiresColumn {
  const seconds = (column: string): string => `ifnull(unixepoch(ifnull(${column}, '${LAST_ISO}'), 'subsec'), 0)`
  const last = Date.parse(LAST_ISO)
  return {
    name,
    read: (column) => `round(${seconds(column)} * 1000)`,
    toParameter: (time) => format(time === null || time >= last ? LAST_ISO : new Date(Math.max(0, time)).toISOString()),
    fromCell: (cell) => (Number(cell) >= last ? null : Number(cell)),
    isLive: (column, now) => `${seconds(column)} > ${now} / 1000.0`,
    isExpired: (column, now) => `${seconds(column)} <= ${now} / 1000.0`,
  }
}

const connectSqlite3: Layout = {
  table: 'sessions',
  id: peerId,
  payload: peerText('sess'),
  expires: peerMilliseconds('expired'),
  create: ({ quoted }) => [`create table if not exists ${quoted} (sid primary key, expired, sess)`],
}

const betterSqlite3SessionStore: Layout = {
  table: 'sessions',
  id: peerId,
  payload: peerJson('sess'),
  expires: isoTime('expire', (iso) => iso),
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (sid text not null primary key, sess json not null, expire text not null)`,
  ],
}

const connectSessionKnex: Layout = {
  table: 'sessions',
  id: peerId,
  payload: peerJson('sess'),
  expires: isoTime('expired', (iso) => iso),
  create: ({ name, quoted, quote }) => [
    `create table if not exists ${quoted} ("sid" varchar(255), "sess" json not null, "expired" datetime not null, primary key ("sid"))`,
    `create index if not exists ${quote(`${name}_expired_index`)} on ${quoted} ("expired")`,
  ],
}

/** As Sequelize writes a time: `2026-11-28 10:00:00.000 +00:00`. */
const sequelizeTime = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 23)} +00:00`
const SEQUELIZE_NOW = `strftime('%Y-%m-%d %H:%M:%f +00:00', 'now')`

const connectSessionSequelize: Layout = {
  table: 'Sessions',
  id: peerId,
  payload: peerText('data'),
  expires: isoTime('expires', sequelizeTime),
  timestamps: [
    { name: 'createdAt', sql: SEQUELIZE_NOW, isUpdated: false },
    { name: 'updatedAt', sql: SEQUELIZE_NOW, isUpdated: true },
  ],
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (sid VARCHAR(36) primary key, expires DATETIME, data TEXT, "createdAt" DATETIME not null, "updatedAt" DATETIME not null)`,
  ],
}

/** The layout, created by one text of several statements, so that all of them run or none, even if the process ends in between. */
export function createdAtOnce<Any extends Layout>(layout: Any): Any {
  return { ...layout, create: (table) => [layout.create(table).join('; ')] }
}

/** The tables of other stores. */
export const peerLayouts = {
  'connect-sqlite3': connectSqlite3,
  'better-sqlite3-session-store': betterSqlite3SessionStore,
  'connect-session-knex': connectSessionKnex,
  'connect-session-sequelize': connectSessionSequelize,
} satisfies Partial<Record<LayoutName, Layout>>
