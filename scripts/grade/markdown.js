// GRADES.md: the totals, the table check by check, what each failure said, and who asks for each check.

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
 * @typedef {{ name: string, why: string }} Asked
 */

const MARKS = { passed: '✓', failed: '✗', skipped: '–' }

/**
 * @param {readonly Column[]} columns
 * @param {readonly Asked[]} checks
 * @param {{ date: string, node: string }} when
 */
export function markdown(columns, checks, { date, node }) {
  const graded = columns.filter(({ missing }) => missing === undefined)
  const left = columns.filter(({ missing }) => missing !== undefined)
  const sources = [...new Set(checks.map(({ why }) => why))]
  return [
    '# Grades',
    '',
    'What stores for express-session do with the checks of `storeConformance`, ours and those of other makers. A check is only there',
    'if express-session’s documentation, its code or plain sense asks for it: each names its source. A setting that a store’s',
    'documentation offers and that helps it is turned on. Stores that count in whole seconds are not blamed for it. Each store runs in',
    'a process of its own; where a check ends the process, it has failed.',
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
    'A check of an optional method that a store lacks (or of two stores on one place, where a place can’t be shared) is not counted.',
    ...graded.filter(({ note }) => note !== '').map(({ note }) => `\n${note}`),
    ...left.map((column) => `\nLeft out: ${name(column)}, because ${column.missing}.`),
    '',
    '## Check by check',
    '',
    '✓ passed, ✗ failed, – not asked: the store has no such method.',
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
  const list = failed.map(({ name: check, said }) => `* ${escaped(check)}: ${code(said)}`)
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

/** Text with code in it: a bar would end a cell, also within code; an angle begins a tag only outside of it. @param {string} text */
function escaped(text) {
  return text.replaceAll(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found)).replaceAll('|', '\\|')
}

/** The first line of what a failure said, short. @param {string} said */
function code(said) {
  const [first = ''] = said.split('\n')
  const short = first.length > 160 ? `${first.slice(0, 160)} …` : first
  return `\`${short.replaceAll('`', '’').trim() || 'no message'}\``
}
