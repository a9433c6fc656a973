import { type Column, textOf } from '@connect-databank/sql'

/** Text in a table that other programs read. */
export function peerText(name: string): Column<string> {
  return {
    name,
    read: (column) => `coalesce(${column}, '')`,
    equals: (column, parameter) => `cast(coalesce(${column}, '') as binary) = cast(${parameter} as binary)`,
  }
}

/**
 * A column of JSON. MySQL orders the members of an object anew, so a payload is compared with what the server makes of it; MariaDB
 * keeps the text. A payload that is no JSON, such as an encrypted one, is stored as a JSON string.
 */
export function peerJson(name: string): Column<string> {
  return {
    name,
    read: (column) => `cast(${column} as char)`,
    equals: (column, parameter) => `cast(cast(${column} as char) as binary) = cast(${parameter} as binary)`,
    toParameter: toJson,
    fromCell: (cell) => fromJson(textOf(cell)),
  }
}

function toJson(payload: string): string {
  if (payload.startsWith('{') && payload.endsWith('}')) return payload
  try {
    if (typeof JSON.parse(payload) !== 'string') return payload
  } catch {
    // It is stored as a string.
  }
  return JSON.stringify(payload)
}

function fromJson(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}
