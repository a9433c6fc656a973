import { DatabankError } from 'connect-databank/backend'
import type { Column } from './layouts.ts'
import { textOf } from './records.ts'

/*
 * Texts that a column cannot hold unchanged: texts with NUL, which PostgreSQL refuses and some clients of SQLite truncate; and payloads that
 * are not JSON, such as encrypted ones, in a column of JSON.
 */

/** Precedes a character that names the escaped one. It is a noncharacter, so other texts do not contain it. */
const ESCAPE = '\ufdd0'

/** The parts of a column that escape NUL. */
export const escapedText: Required<Pick<Column<string>, 'toParameter' | 'fromCell'>> = {
  toParameter: escapeNul,
  fromCell: (cell) => unescapeNul(textOf(cell)),
}

export function escapeNul(text: string): string {
  if (!text.includes('\0') && !text.includes(ESCAPE)) return text
  return text.replaceAll(/[\0\ufdd0]/g, (character) => ESCAPE + (character === '\0' ? '0' : 'd'))
}

export function unescapeNul(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replaceAll(/\ufdd0([0d])/g, (_, escaped) => (escaped === '0' ? '\0' : ESCAPE))
}

/** For a table that other programs read, where nothing is escaped: rejects a text with NUL with `DATABANK_INVALID_SESSION`. */
export function noNul(database: string): (text: string) => string {
  return (text) => {
    if (!text.includes('\0')) return text
    throw new DatabankError('DATABANK_INVALID_SESSION', `${database}: the table of another store cannot hold a text with NUL`)
  }
}

/** The value of a payload in a column of JSON: the payload if it is JSON, otherwise a JSON string. */
export function toJsonText(payload: string): string {
  if (payload.startsWith('{') && payload.endsWith('}')) return payload
  try {
    if (typeof JSON.parse(payload) !== 'string') return payload
  } catch {
    // It is no JSON.
  }
  return JSON.stringify(payload)
}

/** The payload of a column of JSON. */
export function fromJsonText(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text // no JSON: no session
  }
}
