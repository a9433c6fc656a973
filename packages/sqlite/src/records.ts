import { type Column, textOf } from '@connect-databank/sql'
import { DatabankError } from 'connect-databank/backend'

/** Stands before the character that says what was escaped. It is no character, and so is in no other text. */
const ESCAPE = '\ufdd0'

/** SQLite's text may hold NUL, but node:sqlite before Node.js 26 ends there when it reads. */
export function escapeNul(text: string): string {
  if (!text.includes('\0') && !text.includes(ESCAPE)) return text
  return text.replaceAll(/[\0\ufdd0]/g, (character) => ESCAPE + (character === '\0' ? '0' : 'd'))
}

export function unescapeNul(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replaceAll(/\ufdd0([0d])/g, (_, escaped) => (escaped === '0' ? '\0' : ESCAPE))
}

/** Text in a table that other programs read: nothing is escaped. */
export function peerText(name: string): Column<string> {
  return { name, read: orEmpty, toParameter: requireNoNul }
}

/**
 * A column that is declared as JSON, which SQLite takes for numbers: a text that looks like one becomes one. A payload that is no
 * object, such as an encrypted one, is stored as a JSON string.
 */
export function peerJson(name: string): Column<string> {
  return {
    name,
    read: orEmpty,
    toParameter: (payload) => (payload.startsWith('{') ? requireNoNul(payload) : JSON.stringify(payload)),
    fromCell: (cell) => fromJson(textOf(cell)),
  }
}

const orEmpty = (column: string): string => `ifnull(${column}, '')`

function fromJson(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text // no JSON: no session
  }
}

function requireNoNul(text: string): string {
  if (!text.includes('\0')) return text
  throw new DatabankError('DATABANK_INVALID_SESSION', 'SQLite: the table of another store cannot hold a text with NUL')
}
