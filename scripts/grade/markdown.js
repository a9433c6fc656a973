// GRADES.md: the totals, the table of all checks, the message of each failure, and the source of each check.

/**
 * @typedef {object} Column one store's results
 * @property {string} name
 * @property {boolean} ours
 * @property {string} versions
 * @property {string} server
 * @property {string} settings
 * @property {string} note
 * @property {string} [missing] why it was left out
 * @property {readonly import('./grade-store.js').Result[]} results
 *
 * @typedef {{ name: string, why: string }} CheckSource
 */

const MARKS = { passed: '✓', failed: '✗', skipped: '–' }

/**
 * @param {readonly Column[]} columns
 * @param {readonly CheckSource[]} checks
 * @param {{ date: string, node: string }} when
 */
export function markdown(columns, checks, { date, node }) {
  const graded = columns.filter(({ missing }) => missing === undefined)
  const left = columns.filter(({ missing }) => missing !== undefined)
  const sources = [...new Set(checks.map(({ why }) => why))]
  return [
    '# Grades',
    '',
    'How our stores and those of other makers do in the checks of `storeConformance`. Each check names its source: the documentation of',
    'express-session, its code, or common sense. Settings that a store’s documentation offers and that help it are on. Stores may count in',
    'whole seconds. Each store runs in a process of its own; a check that ends the process has failed.',
    '',
    `Written by \`npm run conformance:peers\`, ${date}, Node ${node}.`,
    '',
    '## Totals',
    '',
    ...table(
      ['store', 'passed', 'failed', 'of', 'versions', 'on', 'set for it'],
      graded.map((column) => {
        const counted = count(column.results)
        return [
          name(column),
          counted.passed,
          counted.failed,
          counted.passed + counted.failed,
          column.versions,
          column.server,
          column.settings,
        ]
      }),
      ['', '-', '-', '-', '', '', ''],
    ),
    '',
    'Not counted: checks of optional methods that a store lacks, and checks of two stores on one database where it cannot be shared.',
    ...[...new Set(graded.map(({ note }) => note))].filter((note) => note !== '').map((note) => `\n${note}`),
    ...left.map((column) => `\nLeft out: ${name(column)}, because ${column.missing}.`),
    '',
    '## Check by check',
    '',
    '✓ passed, ✗ failed, – not counted: the store has no such method.',
    '',
    ...table(
      ['check', 'source', ...graded.map(name)],
      checks.map((check) => [
        check.name,
        `[${sources.indexOf(check.why) + 1}](#sources)`,
        ...graded.map(({ results }) => MARKS[results.find((result) => result.name === check.name)?.outcome ?? 'skipped']),
      ]),
      ['', ':', ...graded.map(() => ':')],
    ),
    '',
    '## What failed',
    ...graded.flatMap(failures),
    '',
    '## Sources',
    '',
    ...sources.map((source, index) => `${index + 1}. ${escaped(source)}`),
    '',
  ].join('\n')
}

/** @param {Column} column */
function failures(column) {
  const failed = column.results.filter(({ outcome }) => outcome === 'failed')
  const list = failed.map(({ name: check, reason }) => `* ${escaped(check)}: ${code(reason)}`)
  return ['', `### ${column.name}`, '', ...(list.length === 0 ? ['Nothing.'] : list)]
}

/** @param {readonly import('./grade-store.js').Result[]} results */
export function count(results) {
  const of = (/** @type {string} */ wanted) => results.filter(({ outcome }) => outcome === wanted).length
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') }
}

/** @param {Column} column */
function name(column) {
  return column.ours ? `**${column.name}**` : column.name
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (string | number)[])[]} rows
 * @param {readonly string[]} aligned `:` in the middle, `-` to the right
 */
function table(heads, rows, aligned) {
  const rule = aligned.map((how) => (how === ':' ? ':-:' : how === '-' ? '--:' : '---'))
  const line = (/** @type {readonly (string | number)[]} */ cells) =>
    `| ${cells.map((cell) => escaped(String(cell))).join(' | ')} |`
  return [line(heads), `| ${rule.join(' | ')} |`, ...rows.map(line)]
}

/** Markdown for a table cell: a bar ends a cell, also within code; an angle bracket begins a tag only outside of code. @param {string} text */
function escaped(text) {
  return text.replaceAll(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found)).replaceAll('|', '\\|')
}

/** The first line of a message, shortened. @param {string} reason */
function code(reason) {
  const [first = ''] = reason.split('\n')
  const short = first.length > 160 ? `${first.slice(0, 160)} …` : first
  return `\`${short.replaceAll('`', '’').trim() || 'no message'}\``
}
