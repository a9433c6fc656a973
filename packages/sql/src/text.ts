import { DatabankError } from 'connect-databank/backend'
import type { Column } from './layouts.ts'
import { textOf } from './records.ts'

/*
 * Texts that a column does not hold as they are: with NUL, which PostgreSQL refuses and some clients of SQLite cut off; and payloads
 * that are no JSON, such as encrypted ones, in a column of JSON.
 */

/** Stands before the character that says what was escaped. It is no character, and so is in no other text. */
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

/** What a column of JSON holds of a payload: the payload if it is JSON, else a JSON string. */
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
