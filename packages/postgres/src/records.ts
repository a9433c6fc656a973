import { type Column, fromJsonText, noNul, textOf, toJsonText } from '@connect-databank/sql'

/** Text in a table that other programs read. */
export function peerText(name: string): Column<string> {
  const read = (column: string): string => `coalesce(${column}, '')`
  return { name, read, equals: (column, parameter) => `${read(column)} = ${parameter}`, toParameter: noNul('PostgreSQL') }
}

/** A column of json or jsonb. */
export function peerJson(name: string, type: 'json' | 'jsonb'): Column<string> {
  return {
    name,
    write: (parameter) => `${parameter}::${type}`,
    read: (column) => `coalesce(${column}::text, '')`,
    // json has no operator for equality. jsonb sorts the members of an object, and compares values.
    equals: (column, parameter) => (type === 'json' ? `${column}::text = ${parameter}` : `${column} = ${parameter}::jsonb`),
    toParameter: toJsonText,
    fromCell: (cell) => fromJsonText(textOf(cell)),
  }
}
