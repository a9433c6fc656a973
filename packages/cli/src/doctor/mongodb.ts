import { importClient } from './clients.ts'
import { clockFinding } from './clock.ts'
import { errorFrom } from './errors.ts'
import { type Examiner, isLocalHost, type Subject, Unusable } from './examination.ts'
import { type Finding, fail, messageOf, ok, unseen, warn } from './finding.ts'
import { type AuthInfo, type Place, userFindings } from './mongodb-rights.ts'
import { versionFinding } from './versions.ts'

/** The part of the driver that is used. */
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
      yield* lookAtUser(admin, client, { database: database.databaseName, collection: collectionOf(subject) })
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
  return clockFinding('MongoDB', async () => ((await admin.command({ hello: 1 }))['localTime'] as Date).getTime())
}

function lookAtTls(client: MongoClient): Finding {
  if (client.options.tls === true) return ok('TLS', 'the connection is encrypted')
  if (isLocal(client)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions cross the network in plain text', '&tls=true in the URL')
}

function isLocal({ options: { hosts = [] } }: MongoClient): boolean {
  return hosts.every(({ host }) => host === undefined || isLocalHost(host))
}

async function* lookAtUser(admin: Database, client: MongoClient, place: Place): AsyncGenerator<Finding> {
  try {
    const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true })
    yield* userFindings(authInfo as AuthInfo, place, isLocal(client))
  } catch (error) {
    yield unseen('user', error)
  }
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

/** The server's default write concern. Since MongoDB 5, it is the majority. */
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
    return ok('TTL index', "left out by ttlIndex: false; the store's own clean-up deletes expired sessions")
  if (onExpires.length > 0) {
    const message = "the index on expires is no TTL index of 0 seconds: only the store's own clean-up deletes expired sessions"
    return warn('TTL index', message, `db.getCollection('${name}').dropIndex('expires_1'); ${make}`)
  }
  return warn('TTL index', "there is none: only the store's own clean-up deletes expired sessions", make)
}
