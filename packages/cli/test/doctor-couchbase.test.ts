import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { server } from '../../../testing/servers/index.js'
import { findingsOf, problem, problemsIn } from './doctor-support.ts'

describe.skipIf(server('couchbase').missing)('on Couchbase', () => {
  let started: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    started = await startCouchbase()
  })
  afterAll(() => started?.stop())

  test('what the bank can tell: the stand-in has no query service', async () => {
    const findings = await findingsOf(started.url, { durability: 'majority' })
    expect(problemsIn(findings)).toEqual([expect.stringMatching(/^warn listing: sessions cannot be listed/)])
    expect(problem(findings, 'listing')?.fix).toBe('CREATE PRIMARY INDEX ON `default`')
    expect(findings.map(({ subject }) => subject)).toEqual(['connection', 'TLS', 'durability', 'listing', 'latency'])
  })

  test('writes that a failover loses, and no TLS to another machine', async () => {
    expect(problem(await findingsOf(started.url), 'durability')).toMatchObject({ level: 'warn', fix: "durability: 'majority'" })
    const remote = started.url.replace('127.0.0.1', '0.0.0.0')
    expect(problem(await findingsOf(remote), 'TLS')).toMatchObject({ level: 'warn', fix: 'couchbases://…' })
  })
})
