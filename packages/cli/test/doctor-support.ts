// What the tests of `doctor` share.
import { type DoctorOptions, doctor, type Finding } from '../src/doctor/index.ts'

export async function findingsOf(url: string, options: DoctorOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  for await (const finding of doctor(url, options)) findings.push(finding)
  return findings
}

/** What is not ok, one line each. */
export function problemsIn(findings: readonly Finding[]): string[] {
  return findings.filter(({ level }) => level !== 'ok').map(({ level, subject, message }) => `${level} ${subject}: ${message}`)
}

/** The only finding of a subject that is not ok; undefined if there is none. */
export function problem(findings: readonly Finding[], subject: string): Finding | undefined {
  const found = findings.filter((finding) => finding.subject === subject && finding.level !== 'ok')
  if (found.length > 1) throw new Error(`several: ${problemsIn(found).join('; ')}`)
  return found[0]
}
