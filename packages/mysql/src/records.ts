import { fromJsonText, type PayloadColumn, textOf, toJsonText } from '@connect-databank/sql'
import { canonicalJson } from 'connect-databank/backend'

/** The SQL of a text's bytes in UTF-8, whatever its character set is: a column and a parameter may differ in theirs. */
export function bytesOf(text: string): string {
  return `cast(convert(${text} using utf8mb4) as binary)`
}

/** Text in a table that other programs read. */
export function peerText(name: string): PayloadColumn {
  return {
    name,
    read: (column) => `coalesce(${column}, '')`,
    equals: (column, parameter) => `${bytesOf(`coalesce(${column}, '')`)} = ${bytesOf(parameter)}`,
  }
}

/** JSON in a column of text, which is what MariaDB makes of the type `json`: it keeps the text. */
export function peerJson(name: string): PayloadColumn {
  return {
    name,
    read: (column) => `cast(${column} as char)`,
    equals: (column, parameter) => `${bytesOf(column)} = ${bytesOf(parameter)}`,
    toParameter: toJsonText,
    fromCell: (cell) => fromJsonText(textOf(cell)),
  }
}

/** A column of MySQL's own type `json`. The server sorts the members of an object, so values are compared instead of texts. */
export function peerNativeJson(name: string): PayloadColumn {
  return {
    ...peerJson(name),
    equals: (column, parameter) => `${column} = cast(${parameter} as json)`,
    toVersion: canonicalJson,
  }
}
