import { describe, expect, test } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'
import { asRemote, findingsOf, problem, problemsIn, runningServer, testEveryServer } from './doctor-support.ts'

/** As the README of the package has it. */
const ENOUGH =
  '~sess:* ~owners:sess:* -@all +get +mget +getrange +set +unlink +pexpireat +persist +pexpiretime +scan +eval +evalsha +zadd +zrem +zrangebylex +time'
const ACL = [
  'user default on nopass ~* &* +@all',
  `user sessions on >secret ${ENOUGH}`,
  `user looking on >secret ${ENOUGH} +info +multi +discard +acl`,
  `user lacking on >secret ~other:* -@all +get +mget +scan +multi +discard +info +time +eval +evalsha +pexpiretime`,
  'user wide on >secret ~* &* +@all',
]

describe.skipIf(server('redis').missing)('on Redis', () => {
  const sound = runningServer(() => startRedis({ args: ['--appendonly', 'yes'], acl: ACL }))
  const careless = runningServer(() => startRedis({ args: ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '500kb'] }))
  const asUser = (name: string): string => sound().url.replace('://', `://${name}:secret@`)

  test('a sound server has no warnings', async () => {
    const findings = await findingsOf(sound().url)
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual([
      'server',
      'clock',
      'TLS',
      'user',
      'rights',
      'eviction',
      'persistence',
      'latency',
      'records',
    ])
    expect(findings[0]?.message).toContain('which the tests of this store run on')
  })

  test('eviction, memory that is used up, no persistence', async () => {
    const findings = await findingsOf(careless().url)
    expect(problem(findings, 'eviction')).toMatchObject({ level: 'warn', fix: 'CONFIG SET maxmemory-policy noeviction' })
    expect(problem(findings, 'memory')).toMatchObject({ level: 'warn', message: expect.stringMatching(/^\d+ % of maxmemory/) })
    expect(problem(findings, 'persistence')).toMatchObject({
      level: 'warn',
      message: 'none: a restart logs everybody out',
      fix: 'CONFIG SET appendonly yes',
    })
    // The lines that are to be run.
    await careless().admin(
      ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
      ['CONFIG', 'SET', 'maxmemory', '1gb'],
      ['CONFIG', 'SET', 'save', '60 1'],
    )
    const after = await findingsOf(careless().url)
    expect(problemsIn(after)).toEqual([
      'warn persistence: snapshots alone: a restart takes back minutes, and sessions that had been logged out exist again',
    ])
    await careless().admin(['CONFIG', 'SET', 'appendonly', 'yes'])
    expect(problemsIn(await findingsOf(careless().url))).toEqual([])
  })

  test('a user with the rights that suffice: what it may not look at is said', async () => {
    const findings = await findingsOf(asUser('sessions'))
    expect(problemsIn(findings)).toEqual([expect.stringMatching(/^warn server: could not look: NOPERM/)])
    expect(findings.filter(({ message }) => message.startsWith('not looked at')).map(({ subject }) => subject)).toEqual([
      'user',
      'rights',
    ])
    expect(problemsIn(await findingsOf(asUser('looking'), { owner: () => null }))).toEqual([])
  })

  test('rights that are missing, those on the owners as well', async () => {
    const findings = await findingsOf(asUser('lacking'), { owner: () => 'ada' })
    const rights = problem(findings, 'rights')
    expect(rights?.level).toBe('fail')
    expect(rights?.message).toContain(
      'get, mget, getrange, set, unlink, pexpireat, persist, pexpiretime, eval, evalsha, zadd, zrem, zrangebylex',
    )
    expect(rights?.fix).toContain('~sess:* ~owners:sess:* +get')
    expect(problem(findings, 'latency')?.level).toBe('fail')
  })

  test('a user with all rights', async () => {
    const wide = problem(await findingsOf(asUser('wide')), 'user')
    expect(wide).toMatchObject({
      level: 'warn',
      message: 'wide may do everything',
      fix: expect.stringMatching(/^ACL SETUSER wide -@all \+get /),
    })
  })

  testEveryServer({
    sound: () => sound().url,
    refused: () => sound().url.replace('://', '://sessions:wrong@'),
    tls: /^rediss:/,
  })

  test('a user of another machine that needs no password', async () => {
    const findings = await findingsOf(asRemote(sound().url))
    expect(problem(findings, 'password')).toMatchObject({ level: 'warn', fix: 'CONFIG SET requirepass …' })
  })

  test('a replica takes no writes', async () => {
    await careless().admin(['REPLICAOF', '127.0.0.1', String(sound().port)])
    expect(problem(await findingsOf(careless().url), 'role')).toMatchObject({ level: 'fail', fix: 'name the primary in the URL' })
    await careless().admin(['REPLICAOF', 'NO', 'ONE'])
  })

  test('a server of a cluster needs another client', async () => {
    const node = await startRedis({ args: ['--cluster-enabled', 'yes', '--appendonly', 'yes'] })
    try {
      expect(problem(await findingsOf(node.url), 'cluster')).toMatchObject({
        level: 'warn',
        fix: expect.stringContaining('createCluster'),
      })
    } finally {
      await node.stop()
    }
  })

  test('writes nothing, and deletes nothing', async () => {
    await sound().admin(['SET', 'sess:doctor', 'a session'], ['SET', 'sess:', 'another'])
    await findingsOf(sound().url)
    expect(await sound().admin(['GET', 'sess:doctor'])).toBe('a session')
    expect(await sound().admin(['DBSIZE'])).toBe(2)
    await sound().admin(['FLUSHALL'])
  })
})

test.skipIf(server('redis').missing)('Redis with TLS', async () => {
  const secure = await startRedis({ tls: true, args: ['--appendonly', 'yes'] })
  try {
    const findings = await findingsOf(secure.url, { clientOptions: { socket: { ca: secure.ca } } })
    expect(problemsIn(findings)).toEqual([])
    expect(findings).toContainEqual({ level: 'ok', subject: 'TLS', message: 'the connection is encrypted' })
    const [refused] = await findingsOf(secure.url)
    expect(refused).toMatchObject({ level: 'fail', subject: 'connection' })
  } finally {
    await secure.stop()
  }
})
