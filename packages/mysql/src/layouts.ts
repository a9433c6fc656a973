import type { ExpiresColumn, IdColumn, Layout, LayoutName } from '@connect-databank/sql'
import { adaptable } from './adaptable.ts'
import { bytesOf, peerJson, peerText } from './records.ts'

const bytes = { toParameter: (text: string): unknown => Buffer.from(text) }

/** The table of its own. Ids and owners are bytes, so no collation makes two of them equal. */
export const ownLayout: Layout = {
  table: 'databank_sessions',
  id: { name: 'id', ...bytes },
  payload: { name: 'payload' },
  expires: { name: 'expires', read: (column) => `cast(${column} as char)` },
  owner: { name: 'owner', ...bytes },
  version: { name: 'version', read: (column) => `cast(${column} as char)` },
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (id varbinary(200) not null primary key, payload longtext character set utf8mb4 collate utf8mb4_bin not null, expires bigint, owner varbinary(1024), version bigint not null, index (expires), index (owner, id)) engine = InnoDB`,
  ],
}

/** An id in a table that other programs read. Two ids may be equal by the collation, so they are also compared byte by byte. */
function peerId(name: string, maxLength: number): IdColumn {
  return {
    name,
    equals: (column, parameter) => `(${column} = ${parameter} and ${bytesOf(column)} = ${bytesOf(parameter)})`,
    // Most collations ignore a trailing space.
    holds: (id) => [...id].length <= maxLength && !id.endsWith(' '),
  }
}

const SECOND = 1_000
/** The last second that an unsigned INT holds: in the year 2106. */
const LAST_SECOND = 2 ** 32 - 1

/** Whole seconds. Rounded up, so that nothing expires early. */
const secondsColumn: ExpiresColumn = {
  name: 'expires',
  read: (column) => `cast(${column} as char)`,
  toParameter: (time) => (time === null ? LAST_SECOND : Math.min(Math.max(Math.ceil(time / SECOND), 0), LAST_SECOND)),
  fromCell: (cell) => (Number(cell) === LAST_SECOND ? null : Number(cell) * SECOND),
  nowToParameter: (now) => Math.floor(now / SECOND),
}

/** A DATETIME in UTC, as the other stores' query builders write it. Whole seconds, rounded up. */
function utcColumn(name: string): ExpiresColumn {
  return {
    name,
    read: (column) => `cast(timestampdiff(second, '1970-01-01', ${column}) as char)`,
    write: (seconds) => `('1970-01-01' + interval ${seconds} second)`,
    toParameter: (time) => (time === null ? LAST_DATETIME : Math.min(Math.max(Math.ceil(time / SECOND), 0), LAST_DATETIME)),
    fromCell: (cell) => (Number(cell) >= LAST_DATETIME ? null : Number(cell) * SECOND),
    nowToParameter: (now) => Math.floor(now / SECOND),
  }
}
/** 9999-12-31 23:59:59, the last second of a DATETIME. */
const LAST_DATETIME = 253_402_300_799

const expressMysqlSession = adaptable({
  table: 'sessions',
  id: peerId('session_id', 128),
  payload: peerText('data'),
  expires: secondsColumn,
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (session_id varchar(128) character set utf8mb4 collate utf8mb4_bin not null primary key, expires int unsigned not null, data mediumtext character set utf8mb4 collate utf8mb4_bin) engine = InnoDB`,
  ],
})

const connectSessionSequelize = adaptable({
  table: 'Sessions',
  id: peerId('sid', 36),
  payload: peerText('data'),
  expires: utcColumn('expires'),
  timestamps: [
    { name: 'createdAt', sql: 'utc_timestamp()', isUpdated: false },
    { name: 'updatedAt', sql: 'utc_timestamp()', isUpdated: true },
  ],
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (sid varchar(36) not null primary key, expires datetime, data text, createdAt datetime not null, updatedAt datetime not null) engine = InnoDB character set utf8mb4`,
  ],
})

const connectSessionKnex = adaptable({
  table: 'sessions',
  id: peerId('sid', 255),
  payload: peerJson('sess'),
  expires: utcColumn('expired'),
  create: ({ quoted }) => [
    `create table if not exists ${quoted} (sid varchar(255) not null primary key, sess json not null, expired datetime not null, index sessions_expired_index (expired)) engine = InnoDB character set utf8mb4`,
  ],
})

/** The tables of other stores. */
export const peerLayouts: Readonly<Partial<Record<LayoutName, Layout>>> = {
  'express-mysql-session': expressMysqlSession,
  'connect-session-sequelize': connectSessionSequelize,
  'connect-session-knex': connectSessionKnex,
}
