import { type IdColumn, type Layout, type PayloadColumn, type TableName, textOf } from '@connect-databank/sql'
import { DatabankError } from 'connect-databank/backend'
import { peerNativeJson } from './records.ts'

type Select = Parameters<NonNullable<Layout['adapt']>>[1]

/** The facts about a column in information_schema. */
interface ColumnType {
  readonly dataType: string
  /** Empty for a column without text. */
  readonly characterSet: string
  readonly collation: string
  /** Its size in bytes; 0 for a column without text. */
  readonly length: number
}

/** The layout of another store, whose table takes its character set from the database, and is JSON on MySQL only. */
export function adaptable(layout: Layout): Layout {
  return {
    ...layout,
    async adapt(table, select) {
      const types = await typesOf(table, select)
      const { id, payload } = layout
      return { ...layout, id: adaptedId(id, types.get(id.name)), payload: adaptedPayload(payload, types.get(payload.name)) }
    },
  }
}

function adaptedPayload(payload: PayloadColumn, type: ColumnType | undefined): PayloadColumn {
  const { dataType, characterSet = '', length = 0 } = type ?? {}
  if (dataType === 'json') return peerNativeJson(payload.name)
  if (length === 0) return payload
  // Other character sets take fewer bytes than UTF-8, and one at least.
  const bytesIn = (text: string): number => (characterSet.startsWith('utf8') ? Buffer.byteLength(text) : text.length)
  return {
    ...payload,
    toParameter(given) {
      const text = String(payload.toParameter?.(given) ?? given)
      // Without the strict mode, a server stores the beginning of what is too long.
      if (bytesIn(text) > length) throw tooLong(payload.name, length)
      return text
    },
  }
}

function tooLong(column: string, length: number): DatabankError {
  return new DatabankError(
    'DATABANK_INVALID_SESSION',
    `MySQL: the session is larger than the column ${column} holds, ${length} bytes`,
  )
}

/** The column of ids with this type. Servers do not compare texts of two collations, unless one text is a literal. */
function adaptedId(id: IdColumn, type: ColumnType | undefined): IdColumn {
  const { characterSet = '', collation = '' } = type ?? {}
  if (!isWord(characterSet) || !isWord(collation)) return id
  return {
    ...id,
    holds: (text) => isIn(characterSet, text) && (id.holds?.(text) ?? true),
    convert: (text) => `convert(${text} using ${characterSet}) collate ${collation}`,
  }
}

/** Whether the character set certainly has all characters of the text. Every character set has those of ASCII. */
function isIn(characterSet: string, text: string): boolean {
  if (characterSet === 'utf8mb4') return true
  return characterSet === 'utf8mb3' || characterSet === 'utf8'
    ? !/[\u{10000}-\u{10ffff}]/u.test(text)
    : /^\p{ASCII}*$/u.test(text)
}

function isWord(name: string): boolean {
  return /^\w+$/.test(name)
}

/** The types of the table's columns by their names. */
async function typesOf({ schema, name }: TableName, select: Select): Promise<ReadonlyMap<string, ColumnType>> {
  const rows = await select(
    `select column_name, data_type, coalesce(character_set_name, ''), coalesce(collation_name, ''), cast(coalesce(character_octet_length, 0) as char) from information_schema.columns where table_schema = ${schema === undefined ? 'database()' : literal(schema)} and table_name = ${literal(name)}`,
  )
  return new Map(
    rows.map((row) => {
      const [column = '', dataType = '', characterSet = '', collation = '', length = ''] = row.map(textOf)
      return [column, { dataType, characterSet, collation, length: Number(length) }]
    }),
  )
}

/** A text in SQL, as hexadecimal: what a backslash means depends on the server's sql_mode. */
function literal(text: string): string {
  return `_utf8mb4 x'${Buffer.from(text).toString('hex')}'`
}
