import { type Column, textOf } from '@connect-databank/sql'
import { DatabankError } from 'connect-databank/backend'

/** Stands before the character that says what was escaped. It is no character, and so is in no other text. */
const ESCAPE = '\ufdd0'

/** PostgreSQL's text holds every character but NUL. */
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
  const read = (column: string): string => `coalesce(${column}, '')`
  return { name, read, equals: (column, parameter) => `${read(column)} = ${parameter}`, toParameter: requireNoNul }
}

/** A column of json or jsonb. A payload that is no JSON, such as an encrypted one, is stored as a JSON string. */
export function peerJson(name: string, type: 'json' | 'jsonb'): Column<string> {
  return {
    name,
    write: (parameter) => `${parameter}::${type}`,
    read: (column) => `coalesce(${column}::text, '')`,
    // json has no operator for equality. jsonb orders the members of an object anew, and compares their values.
    equals: (column, parameter) => (type === 'json' ? `${column}::text = ${parameter}` : `${column} = ${parameter}::jsonb`),
    toParameter: toJson,
    fromCell: (cell) => fromJson(textOf(cell)),
  }
}

function toJson(payload: string): string {
  if (payload.startsWith('{') && payload.endsWith('}')) return payload
  try {
    if (typeof JSON.parse(payload) !== 'string') return payload
  } catch {}
  return JSON.stringify(payload)
}

function fromJson(text: string): string {
  if (!text.startsWith('"')) return text
  return JSON.parse(text)
}

function requireNoNul(text: string): string {
  if (!text.includes('\0')) return text
  throw new DatabankError('DATABANK_INVALID_SESSION', 'PostgreSQL: the table of another store cannot hold a text with NUL')
}
