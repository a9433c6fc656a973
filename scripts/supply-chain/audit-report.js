// Parses the report of `npm audit --json`.

/**
 * @param {{ code: number, stdout: string, stderr: string }} result of the command
 * @returns {{ outcome: 'clean' | 'vulnerable' | 'unanswered', lines: string[] }}
 */
export function parseAudit({ stdout, stderr }) {
  const report = parse(stdout)
  if (report?.vulnerabilities === undefined) {
    const reason = report?.message ?? report?.error?.summary ?? stderr.trim().split('\n')[0]
    return { outcome: 'unanswered', lines: [`left out: the registry answers no audit (${reason || 'it gave no reason'})`] }
  }
  const vulnerabilities = Object.values(report.vulnerabilities)
  if (vulnerabilities.length === 0) return { outcome: 'clean', lines: ['no known vulnerability in what users install'] }
  return {
    outcome: 'vulnerable',
    lines: vulnerabilities.map(({ name, severity, range, via }) => `${name} ${range}: ${severity}${titles(via)}`),
  }
}

/** The titles of a vulnerability. A package that only depends on a vulnerable one has that one's name in place of a title. @param {any[]} via */
function titles(via) {
  const named = (via ?? []).map((each) => (typeof each === 'string' ? `by ${each}` : each.title))
  return named.length === 0 ? '' : `, ${named.join('; ')}`
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
