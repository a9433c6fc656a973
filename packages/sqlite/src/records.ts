import { type Column, fromJsonText, noNul, textOf } from '@connect-databank/sql'

const requireNoNul = noNul('SQLite')

/** Text in a table that other programs read. */
export function peerText(name: string): Column<string> {
  return { name, read: orEmpty, toParameter: requireNoNul }
}

/**
 * A column that is declared as JSON. SQLite gives it numeric affinity: a text that looks like a number becomes one. So a payload that is
 * not a JSON object is stored as a JSON string.
 */
export function peerJson(name: string): Column<string> {
  return {
    name,
    read: orEmpty,
    toParameter: (payload) => (payload.startsWith('{') ? requireNoNul(payload) : JSON.stringify(payload)),
    fromCell: (cell) => fromJsonText(textOf(cell)),
  }
}

function orEmpty(column: string): string {
  return `ifnull(${column}, '')`
}
