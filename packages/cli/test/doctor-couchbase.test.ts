import { describe, expect, test } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { server } from '../../../testing/servers/index.js'
import { asRemote, findingsOf, problem, problemsIn, runningServer } from './doctor-support.ts'

describe.skipIf(server('couchbase').missing)('on Couchbase', () => {
  const started = runningServer(() => startCouchbase())

  test('what the bank can tell: the stand-in has no query service, which knows the version', async () => {
    const findings = await findingsOf(started().url, { durability: 'majority' })
    expect(problemsIn(findings)).toEqual([expect.stringMatching(/^warn listing: sessions cannot be listed/)])
    expect(problem(findings, 'listing')?.fix).toBe('CREATE PRIMARY INDEX ON `default`')
    expect(findings[1]?.message).toBe('Couchbase; only a query service knows its version')
    expect(findings.map(({ subject }) => subject)).toEqual(['connection', 'server', 'TLS', 'durability', 'listing', 'latency'])
  })

  test('writes that a failover loses, and no TLS to another machine', async () => {
    expect(problem(await findingsOf(started().url), 'durability')).toMatchObject({ level: 'warn', fix: "durability: 'majority'" })
    expect(problem(await findingsOf(asRemote(started().url)), 'TLS')).toMatchObject({ level: 'warn', fix: 'couchbases://…' })
  })
})
