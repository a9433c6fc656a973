// How numbers, names and tables are written.

/** Three digits; a dash for what was not measured. @param {number | null | undefined} value */
export function short(value) {
  if (!isNumber(value)) return '–'
  if (value >= 1_000) return `${(value / 1000).toFixed(value >= 100_000 ? 0 : 1)}k`
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
}

/** @param {number | null | undefined} value @returns {value is number} */
export const isNumber = (value) => typeof value === 'number' && Number.isFinite(value)

/** `1.50 ×`. @param {number | null | undefined} value */
export const times = (value) => (isNumber(value) ? `${value.toFixed(2)} ×` : '–')

/** @param {readonly string[]} columns @param {readonly (readonly string[])[]} rows @param {number} [texts] how many columns are no numbers */
export function table(columns, rows, texts = 1) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map((_, index) => (index < texts ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

/** Ours are bold; † is explained by `LESS`. @param {{ name: string, ours?: boolean, touchesLess?: boolean }} row */
export function nameOf({ name, ours, touchesLess }) {
  const marked = touchesLess ? `${name} †` : name
  return ours ? `**${marked}**` : marked
}

export const LESS = '† It does not touch at each request, so it does less than the others and is not counted as the fastest peer.'

/** A server, and whether it is the real one. @param {{ name: string, isReal: boolean } | undefined} server */
export function serverName(server) {
  if (server === undefined) return 'none: in the process'
  return server.isReal ? `${server.name}, the real server` : `${server.name}, a stand-in`
}

/** @param {number} bytes */
export const size = (bytes) => (bytes >= 1000 ? `${bytes / 1000} kB` : `${bytes} B`)
