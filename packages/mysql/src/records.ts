import { type Column, fromJsonText, textOf, toJsonText } from '@connect-databank/sql'

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
 * keeps the text.
 */
export function peerJson(name: string): Column<string> {
  return {
    name,
    read: (column) => `cast(${column} as char)`,
    equals: (column, parameter) => `cast(cast(${column} as char) as binary) = cast(${parameter} as binary)`,
    toParameter: toJsonText,
    fromCell: (cell) => fromJsonText(textOf(cell)),
  }
}
