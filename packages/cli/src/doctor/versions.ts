import { isAtLeast } from './examination.ts'
import { type Finding, fail, ok } from './finding.ts'

/** The oldest version that works, and the versions of the tests. */
export interface Supported {
  readonly oldest: string
  readonly tested: readonly string[]
}

/** By the name of the server. */
export const SUPPORTED: Readonly<Record<string, Supported>> = {
  Redis: { oldest: '6.2', tested: ['6.2', '7.0', '8.2'] },
  Valkey: { oldest: '7.2', tested: ['8.1'] },
  PostgreSQL: { oldest: '12', tested: ['18'] },
  MySQL: { oldest: '8.0', tested: ['9.7'] },
  MariaDB: { oldest: '10.6', tested: ['10.11'] },
  MongoDB: { oldest: '4.2', tested: [] },
  SQLite: { oldest: '3.46', tested: ['3.47', '3.50', '3.53'] },
}

/** The finding about the version of a server. */
export function versionFinding(name: string, version: string): Finding {
  const { oldest, tested } = SUPPORTED[name] ?? { oldest: '0', tested: [] }
  if (!isAtLeast(version, oldest)) {
    return fail(
      'server',
      `${name} ${version} is too old: this store needs ${oldest}`,
      `upgrade ${name} to ${tested.at(-1) ?? oldest}`,
    )
  }
  if (tested.some((each) => version === each || version.startsWith(`${each}.`))) {
    return ok('server', `${name} ${version}, which the tests of this store run on`)
  }
  const others = tested.length === 0 ? 'the tests run on a stand-in' : `the tests run on ${tested.join(', ')}`
  return ok('server', `${name} ${version}; ${others}`)
}
