// What `npm audit --json` said.

/**
 * @param {{ code: number, stdout: string, stderr: string }} said
 * @returns {{ outcome: 'clean' | 'holes' | 'unanswered', lines: string[] }}
 */
export function reading({ stdout, stderr }) {
  const report = parse(stdout)
  if (report?.vulnerabilities === undefined) {
    const reason = report?.message ?? report?.error?.summary ?? stderr.trim().split('\n')[0]
    return { outcome: 'unanswered', lines: [`left out: the registry answers no audit (${reason || 'it gave no reason'})`] }
  }
  const holes = Object.values(report.vulnerabilities)
  if (holes.length === 0) return { outcome: 'clean', lines: ['no known hole in what users install'] }
  return { outcome: 'holes', lines: holes.map(({ name, severity, range, via }) => `${name} ${range}: ${severity}${titles(via)}`) }
}

/** What a hole is called; a package that is there only because it needs another with a hole has names of packages here. @param {any[]} via */
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
