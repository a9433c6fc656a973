import { importClient } from './clients.ts'
import { clockFinding } from './clock.ts'
import { errorFrom } from './errors.ts'
import { type Examiner, isLocalHost, type Subject, Unusable } from './examination.ts'
import { type Finding, fail, messageOf, ok, unseen, warn } from './finding.ts'
import { versionFinding } from './versions.ts'

/** What is used of the driver. */
interface Mongo {
  MongoClient: new (url: string, options: object) => MongoClient
}

interface MongoClient {
  readonly options: {
    readonly tls?: boolean
    readonly hosts?: readonly { host?: string }[]
    readonly writeConcern?: { w?: unknown; j?: unknown }
  }
  connect(): Promise<unknown>
  close(): Promise<void>
  db(name?: string): Database
}

interface Database {
  readonly databaseName: string
  command(command: object): Promise<Readonly<Record<string, unknown>>>
  collection(name: string): { indexes(): Promise<readonly Index[]> }
}

interface Index {
  readonly key: Readonly<Record<string, unknown>>
  readonly expireAfterSeconds?: number
  readonly partialFilterExpression?: unknown
}

export const mongodb: Examiner = {
  readOnly: { ttlIndex: false },

  async *examine(subject) {
    const client = await connect(subject)
    try {
      const database = client.db(subject.options['dbName'] as string | undefined)
      const admin = client.db('admin')
      const hello = await admin.command({ hello: 1 })
      const { version } = await admin.command({ buildInfo: 1 })
      yield versionFinding('MongoDB', String(version))
      if (hello['isWritablePrimary'] !== true)
        yield fail('role', 'this server is no primary, and takes no writes', 'name all members and replicaSet in the URL')
      if (hello['localTime'] instanceof Date) yield await lookAtClock(admin)
      yield lookAtTls(client)
      yield* lookAtUser(admin, client, database.databaseName, collectionOf(subject))
      yield* lookAtWriteConcern(admin, client, subject, hello['setName'] !== undefined)
      yield* lookAtIndexes(database, subject)
    } finally {
      await client.close().catch(() => {})
    }
  },
}

async function connect({ url, options, timeout }: Subject): Promise<MongoClient> {
  const { MongoClient } = await importClient<Mongo>('mongodb', 'mongodb')
  const waits = { serverSelectionTimeoutMS: timeout, connectTimeoutMS: timeout, socketTimeoutMS: timeout }
  const client = new MongoClient(url, { ...waits, ...(options['mongoOptions'] as object | undefined) })
  try {
    await client.connect()
    await client.db('admin').command({ ping: 1 })
  } catch (error) {
    await client.close().catch(() => {})
    throw errorFrom('MongoDB', error, /auth|not authorized|credential/i)
  }
  return client
}

function collectionOf({ options }: Subject): string {
  return String(options['collectionName'] ?? 'sessions')
}

function lookAtClock(admin: Database): Promise<Finding> {
  return clockFinding(async () => ((await admin.command({ hello: 1 }))['localTime'] as Date).getTime())
}

function lookAtTls(client: MongoClient): Finding {
  if (client.options.tls === true) return ok('TLS', 'the connection is encrypted')
  if (isLocal(client)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions cross the network in plain text', '&tls=true in the URL')
}

function isLocal({ options: { hosts = [] } }: MongoClient): boolean {
  return hosts.every(({ host }) => host === undefined || isLocalHost(host))
}

const ACTIONS = ['find', 'insert', 'update', 'remove'] as const
const INDEX_ACTION = 'createIndex'
/** Roles that may do more than use one database. */
const WIDE_ROLES = [
  'root',
  '__system',
  'dbOwner',
  'userAdmin',
  'dbAdminAnyDatabase',
  'readWriteAnyDatabase',
  'userAdminAnyDatabase',
  'clusterAdmin',
]

interface Privilege {
  readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean }
  readonly actions: readonly string[]
}

async function* lookAtUser(admin: Database, client: MongoClient, database: string, collection: string): AsyncGenerator<Finding> {
  try {
    const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true })
    const {
      authenticatedUsers: users = [],
      authenticatedUserRoles: roles = [],
      authenticatedUserPrivileges: privileges,
    } = authInfo as {
      authenticatedUsers?: readonly { user: string }[]
      authenticatedUserRoles?: readonly { role: string; db: string }[]
      authenticatedUserPrivileges?: readonly Privilege[]
    }
    if (users.length === 0) {
      if (isLocal(client)) yield ok('user', 'none: the server is on this machine')
      else yield warn('user', 'none: everybody who reaches the server may read and end sessions', 'mongod --auth')
      return
    }
    const name = users[0]!.user
    const wide = roles.filter(({ role }) => WIDE_ROLES.includes(role)).map(({ role }) => role)
    if (wide.length === 0)
      yield ok('user', `${name} has the roles ${roles.map(({ role, db }) => `${role} on ${db}`).join(', ') || 'none'}`)
    else
      yield warn(
        'user',
        `${name} may do more than a session store needs: ${wide.join(', ')}`,
        `db.grantRolesToUser('${name}', [{ role: 'readWrite', db: '${database}' }])`,
      )
    yield privileges === undefined || privileges.length === 0
      ? rightsOfRoles(roles, database, name)
      : rightsOf(privileges, database, collection, name)
  } catch (error) {
    yield unseen('user', error)
  }
}

function rightsOf(privileges: readonly Privilege[], database: string, collection: string, user: string): Finding {
  const applies = ({ resource: { db, collection: name, anyResource } }: Privilege): boolean =>
    anyResource === true || ((db === '' || db === database) && (name === '' || name === collection))
  const held = new Set(privileges.filter(applies).flatMap(({ actions }) => actions))
  const missing = ACTIONS.filter((action) => !held.has(action) && !held.has('anyAction'))
  const fix = `db.grantRolesToUser('${user}', [{ role: 'readWrite', db: '${database}' }])`
  if (missing.length > 0) return fail('rights', `missing on ${database}.${collection}: ${missing.join(', ')}`, fix)
  if (held.has(INDEX_ACTION) || held.has('anyAction'))
    return ok('rights', `all that the store needs on ${database}.${collection}`)
  return warn('rights', `${INDEX_ACTION} is missing on ${database}.${collection}: the store cannot make its indexes`, fix)
}

/** Where the server does not tell the privileges of its roles. */
function rightsOfRoles(roles: readonly { role: string; db: string }[], database: string, user: string): Finding {
  const writes = ['readWrite', 'dbOwner', 'root', 'readWriteAnyDatabase', '__system']
  const may = roles.some(({ role, db }) => writes.includes(role) && (db === database || /Any|root|__system/.test(role)))
  if (may) return ok('rights', `all that the store needs on ${database}`)
  const reads = roles.some(({ role }) => role.startsWith('read'))
  const fix = `db.grantRolesToUser('${user}', [{ role: 'readWrite', db: '${database}' }])`
  return fail('rights', `no role writes to ${database}${reads ? ', only reads' : ''}`, fix)
}

async function* lookAtWriteConcern(
  admin: Database,
  client: MongoClient,
  { options }: Subject,
  isReplicaSet: boolean,
): AsyncGenerator<Finding> {
  const own = (options['writeConcern'] as { w?: unknown; j?: unknown } | undefined) ?? client.options.writeConcern
  const w = own?.w ?? (await defaultW(admin))
  if (options['readPreference'] !== undefined && options['readPreference'] !== 'primary') {
    yield warn(
      'read preference',
      `${options['readPreference']}: a read may miss what was just written, a logout as well`,
      `readPreference: 'primary'`,
    )
  }
  if (!isReplicaSet) yield warn('replica set', 'none: what one machine loses is lost', 'mongod --replSet rs0')
  else if (w === 1 || w === 0)
    yield warn('write concern', `w: ${w}: a failover can bring back what was logged out`, `writeConcern: { w: 'majority' }`)
  else yield ok('write concern', `w: ${w}`)
}

/** What the server does where the client says nothing. Since MongoDB 5 that is the majority. */
async function defaultW(admin: Database): Promise<unknown> {
  try {
    const { defaultWriteConcern } = await admin.command({ getDefaultRWConcern: 1 })
    return (defaultWriteConcern as { w?: unknown } | undefined)?.w ?? 'majority'
  } catch {
    return 'majority'
  }
}

async function* lookAtIndexes(database: Database, subject: Subject): AsyncGenerator<Finding> {
  const name = collectionOf(subject)
  const collection = `${database.databaseName}.${name}`
  let indexes: readonly Index[]
  try {
    indexes = await database.collection(name).indexes()
  } catch (error) {
    if (/ns does not exist|NamespaceNotFound/i.test(messageOf(error))) {
      yield warn('collection', `${collection} does not exist; the store creates it on first use`, 'start the application')
      throw new Unusable()
    }
    yield unseen('indexes', error, `db.grantRolesToUser('…', [{ role: 'readWrite', db: '${database.databaseName}' }])`)
    return
  }
  yield ttlFinding(indexes, name, subject)
  if (indexes.some(({ key }) => Object.keys(key)[0] === 'owner')) yield ok('indexes', 'on owner')
}

function ttlFinding(indexes: readonly Index[], name: string, { options }: Subject): Finding {
  const onExpires = indexes.filter(({ key }) => Object.keys(key).join() === 'expires')
  const isTtl = onExpires.some((index) => index.expireAfterSeconds === 0 && index.partialFilterExpression === undefined)
  if (isTtl) return ok('TTL index', 'the server deletes expired sessions')
  const make = `db.getCollection('${name}').createIndex({ expires: 1 }, { expireAfterSeconds: 0 })`
  if (options['ttlIndex'] === false)
    return ok('TTL index', 'left out by ttlIndex: false; the store’s own clean-up deletes expired sessions')
  if (onExpires.length > 0) {
    const message = 'the index on expires is no TTL index of 0 seconds: only the store’s own clean-up deletes expired sessions'
    return warn('TTL index', message, `db.getCollection('${name}').dropIndex('expires_1'); ${make}`)
  }
  return warn('TTL index', 'there is none: only the store’s own clean-up deletes expired sessions', make)
}
