import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, test } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import type { DoctorOptions } from '../src/doctor/index.ts'
import { userFindings } from '../src/doctor/mongodb-rights.ts'
import { asRemote, findingsOf, problem, problemsIn, runningServer, testEveryServer, useStore } from './doctor-support.ts'

const OPTIONS = 'directConnection=true'

describe.skipIf(server('mongodb').missing)('on MongoDB', () => {
  let admin: MongoClient
  const prepare = async ({ url }: { url: string }): Promise<void> => {
    admin = new MongoClient(`${url}${OPTIONS}`)
    const role = (name: string) => [{ role: name, db: 'app' }]
    await admin.db('app').command({ createUser: 'sessions', pwd: 'secret', roles: role('readWrite') })
    await admin.db('app').command({ createUser: 'reader', pwd: 'secret', roles: role('read') })
    await useStore(urlOf('sessions'))
  }
  const started = runningServer(() => startMongodb({ auth: true }), prepare)
  afterAll(() => admin?.close())

  const urlOf = (user: string): string => `${started().url.replace('admin:', `${user}:`).replace('/?', '/app?')}${OPTIONS}`
  const doctorAs = (user: string, options: DoctorOptions = {}) => findingsOf(urlOf(user), options)

  test('a sound server, with a user of its own, has no warnings', async () => {
    const findings = await doctorAs('sessions')
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual([
      'server',
      'clock',
      'TLS',
      'user',
      'rights',
      'write concern',
      'TTL index',
      'latency',
      'records',
    ])
  })

  test('a user that may do more than needed, and one that may only read', async () => {
    const url = `${started().url.replace('/?', '/app?authSource=admin&')}${OPTIONS}`
    expect(problem(await findingsOf(url), 'user')).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^admin may do more/),
    })
    const rights = problem(await doctorAs('reader'), 'rights')
    expect(rights).toMatchObject({ level: 'fail', fix: "db.grantRolesToUser('reader', [{ role: 'readWrite', db: 'app' }])" })
  })

  test('a collection without a TTL index, with one that is none, and one that is left out on purpose', async () => {
    const sessions = admin.db('app').collection('bare')
    await sessions.insertOne({ _id: 'a' as never, session: '{"cookie":{}}', expires: new Date(Date.now() + 60_000) })
    const options = { collectionName: 'bare' }
    expect(problem(await doctorAs('sessions', options), 'TTL index')).toMatchObject({
      level: 'warn',
      fix: "db.getCollection('bare').createIndex({ expires: 1 }, { expireAfterSeconds: 0 })",
    })
    expect(problemsIn(await doctorAs('sessions', { ...options, ttlIndex: false }))).toEqual([])
    // It has made none.
    expect(await sessions.indexes()).toHaveLength(1)
    await sessions.createIndex({ expires: 1 })
    expect(problem(await doctorAs('sessions', options), 'TTL index')?.fix).toMatch(
      /^db.getCollection\('bare'\).dropIndex\('expires_1'\)/,
    )
    await sessions.dropIndex('expires_1')
    await sessions.createIndex({ expires: 1 }, { expireAfterSeconds: 0 })
    expect(problemsIn(await doctorAs('sessions', options))).toEqual([])
  })

  test('a collection that is not there is not created', async () => {
    expect(problem(await doctorAs('sessions', { collectionName: 'missing' }), 'collection')?.level).toBe('warn')
    const names = (await admin.db('app').listCollections().toArray()).map(({ name }) => name)
    expect(names).not.toContain('missing')
  })

  test('writes that a failover loses, and reads that miss what was just written', async () => {
    const findings = await doctorAs('sessions', { writeConcern: { w: 1 }, readPreference: 'nearest' })
    expect(problem(findings, 'write concern')).toMatchObject({ level: 'warn', fix: "writeConcern: { w: 'majority' }" })
    expect(problem(findings, 'read preference')?.level).toBe('warn')
    expect(problem(await findingsOf(`${urlOf('sessions')}&w=1`), 'write concern')?.level).toBe('warn')
  })

  testEveryServer({
    sound: () => urlOf('sessions'),
    refused: () => urlOf('sessions').replace(':secret@', ':wrong@'),
    tls: /^&tls=true/,
  })
})

test.skipIf(server('mongodb').missing)('MongoDB alone, with TLS and without users', async () => {
  const started = await startMongodb({ standalone: true, tls: true })
  try {
    const findings = await findingsOf(`${started.url.replace('127.0.0.1', 'localhost')}${OPTIONS}`)
    expect(problem(findings, 'replica set')?.level).toBe('warn')
    expect(findings).toContainEqual({ level: 'ok', subject: 'TLS', message: 'the connection is encrypted' })
    expect(findings).toContainEqual({ level: 'ok', subject: 'user', message: 'none: the server is on this machine' })
    const open = await findingsOf(`${asRemote(started.url)}${OPTIONS}&tlsAllowInvalidHostnames=true`)
    expect(problem(open, 'user')).toMatchObject({ level: 'warn', fix: 'mongod --auth' })
  } finally {
    await started.stop()
  }
})

describe('the privileges that a mongod tells', () => {
  const place = { database: 'app', collection: 'sessions' }
  const actions = ['find', 'insert', 'update', 'remove', 'createIndex']
  const rights = (resource: object, held = actions) => {
    const privileges = [
      { resource: { db: 'other', collection: '' }, actions },
      { resource, actions: held },
    ]
    const info = { authenticatedUsers: [{ user: 'ada' }], authenticatedUserPrivileges: privileges }
    return problem([...userFindings(info, place, false)], 'rights')
  }

  test('on the collection, the database, everything', () => {
    const places = [
      { db: 'app', collection: 'sessions' },
      { db: 'app', collection: '' },
      { db: '', collection: '' },
    ]
    for (const resource of places) expect(rights(resource)).toBeUndefined()
    expect(rights({ anyResource: true }, ['anyAction'])).toBeUndefined()
  })

  test('on another collection, or not all', () => {
    const fix = "db.grantRolesToUser('ada', [{ role: 'readWrite', db: 'app' }])"
    const missing = { level: 'fail', message: 'missing on app.sessions: find, insert, update, remove', fix }
    expect(rights({ db: 'app', collection: 'others' })).toMatchObject(missing)
    expect(rights({ db: 'app', collection: '' }, ['find', 'createIndex'])?.message).toBe(
      'missing on app.sessions: insert, update, remove',
    )
    expect(rights({ db: 'app', collection: '' }, actions.slice(0, 4))).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^createIndex is missing/),
    })
  })
})
