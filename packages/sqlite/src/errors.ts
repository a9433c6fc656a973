import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { causesOf } from '@connect-databank/sql'
import { DatabankError, type ErrorCode } from 'connect-databank/backend'

/** SQLite's result codes: https://www.sqlite.org/rescode.html. node:sqlite has numbers, better-sqlite3 names. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
  // A write beyond the limit of a file's size or a quota; SQLite reports FULL for a full disk only.
  778: 'SQLITE_IOERR_WRITE',
  4874: 'SQLITE_IOERR_SHMSIZE',
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  SQLITE_PERM: 'DATABANK_DENIED',
  SQLITE_AUTH: 'DATABANK_DENIED',
  SQLITE_READONLY: 'DATABANK_DENIED',
  SQLITE_FULL: 'DATABANK_FULL',
  SQLITE_IOERR_WRITE: 'DATABANK_FULL',
  SQLITE_IOERR_SHMSIZE: 'DATABANK_FULL',
  SQLITE_BUSY: 'DATABANK_UNAVAILABLE',
  SQLITE_LOCKED: 'DATABANK_UNAVAILABLE',
  SQLITE_PROTOCOL: 'DATABANK_UNAVAILABLE',
  SQLITE_NOMEM: 'DATABANK_UNAVAILABLE',
  SQLITE_CORRUPT: 'DATABANK_BACKEND_FAILED',
  SQLITE_NOTADB: 'DATABANK_BACKEND_FAILED',
}

/** The name of the result code, also where a query builder has wrapped the error. */
function nameOf(error: unknown): string | undefined {
  for (const cause of causesOf(error)) {
    const name = ownNameOf(cause)
    if (name !== undefined) return name
  }
  return undefined
}

/** The name of the error's own result code, without the extension that better-sqlite3 gives most names. */
function ownNameOf({ code, errcode }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof errcode === 'number') return NAMES[errcode] ?? NAMES[errcode & 0xff]
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined
  return Object.values(NAMES).includes(code) ? code : code.split('_', 2).join('_')
}

export function codeOf(error: object): ErrorCode | undefined {
  const name = nameOf(error)
  return name !== undefined && Object.hasOwn(CODES, name) ? CODES[name] : undefined
}

/** Whether another connection has a lock that the statement needs, so that it did nothing. */
export function isBusy(error: unknown): boolean {
  return ['SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_PROTOCOL'].includes(nameOf(error) ?? '')
}

export function isMissingTable(error: object): boolean {
  for (const cause of causesOf(error)) {
    // Query builders put text before the message: Knex the statement, TypeORM the name of the error.
    if (ownNameOf(cause) === 'SQLITE_ERROR' && /\bno such table: /.test(String(cause['message']))) return true
  }
  return false
}

/** The error of a statement that got no lock in time. It did nothing. */
export function lockedError(path: string, milliseconds: number, cause: unknown): DatabankError {
  const message = `SQLite: another program has held the lock of ${path} for ${Math.round(milliseconds)} ms`
  return new DatabankError('DATABANK_UNAVAILABLE', message, { cause })
}

/** SQLite does not report why it cannot open a file, but the system does. Returns the error to throw. */
export function openError(path: string, error: unknown): unknown {
  if (nameOf(error) !== 'SQLITE_CANTOPEN') return error
  try {
    if (existsSync(path)) {
      if (statSync(path).isDirectory()) return new DatabankError('DATABANK_BACKEND_FAILED', `SQLite: ${path} is a folder`)
      accessSync(path, constants.R_OK | constants.W_OK)
    }
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    return error
  } catch (reason) {
    return reason
  }
}
