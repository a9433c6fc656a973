// The servers of a run, with folders and ports of their own.
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort, isListening, Program } from '../../testing/program.js'
import { cacheFolder, server } from '../../testing/servers/index.js'
import { onPath, run } from '../../testing/tools/command.js'

/**
 * @typedef {{ name: string, isReal: boolean }} Server with its version; `isReal`: not a stand-in
 *
 * @typedef {object} Running
 * @property {string} url
 * @property {Server} server
 * @property {() => Promise<void>} [empty]
 * @property {() => Promise<void>} stop
 */

/** @type {Record<string, () => Promise<Running>>} */
export const start = { redis, mongodb, couchbase, postgresql, mariadb }

/** @returns {Promise<Running>} */
async function redis() {
  const { startRedis } = await import('../../testing/servers/redis.js')
  const running = await startRedis()
  const client = await createClient({ url: running.url }).connect()
  return {
    url: running.url,
    server: real('redis'),
    empty: async () => void (await client.flushAll()),
    async stop() {
      client.destroy()
      await running.stop()
    },
  }
}

/** @returns {Promise<Running>} */
async function postgresql() {
  const { startPostgresql } = await import('../../testing/servers/postgresql.js')
  const running = await startPostgresql({ settings: { fsync: 'on' } })
  return { url: running.url, server: real('postgresql'), stop: () => running.stop() }
}

/** MariaDB's own: the tests use a server that takes less memory and does not wait for its disk. */
const MARIADB_DEFAULTS = {
  'innodb-buffer-pool-size': '128M',
  'innodb-log-file-size': '96M',
  'innodb-flush-log-at-trx-commit': 1,
}

/** @returns {Promise<Running>} */
async function mariadb() {
  const { startMariadb } = await import('../../testing/servers/mariadb.js')
  const running = await startMariadb({ settings: MARIADB_DEFAULTS })
  return { url: running.url, server: real('mariadb'), stop: () => running.stop() }
}

/**
 * A mongod; else mongo-java-server, which Maven fetches and which is so fast that the stores are what is measured; else the stand-in of the
 * tests.
 * @returns {Promise<Running>}
 */
async function mongodb() {
  const { startMongodb } = await import('../../testing/servers/mongodb.js')
  const isReal = server('mongodb')['kind'] === 'mongod'
  const libraries = isReal ? undefined : await mongoJavaServer()
  if (libraries === undefined) {
    const running = await startMongodb()
    return { url: running.url, server: isReal ? real('mongodb') : standIn('mongodb'), stop: () => running.stop() }
  }
  const port = await freePort()
  const args = ['-Xmx2g', '-cp', join(libraries, '*'), join(mongodbServer, 'Server.java'), String(port)]
  const program = await new Program({ command: 'java', args, ready: () => isListening(port) }).start()
  const javaServer = { name: `mongo-java-server ${MONGO_JAVA_SERVER}, in memory`, isReal: false }
  return { url: `mongodb://127.0.0.1:${port}/?directConnection=true`, server: javaServer, stop: () => program.stop() }
}

/** As in its pom.xml. */
const MONGO_JAVA_SERVER = '1.47.0'

const mongodbServer = join(import.meta.dirname, 'mongodb-server')

/** The folder of its libraries; undefined where Java's compiler or Maven is missing. */
async function mongoJavaServer() {
  const folder = join(cacheFolder, `mongo-java-server-${MONGO_JAVA_SERVER}`)
  const complete = join(folder, 'complete')
  if (await isThere(complete)) return folder
  const [compiler, maven] = await Promise.all([onPath('javac'), onPath('mvn')])
  if (compiler === undefined || maven === undefined) return undefined
  const where = [`-Dmaven.repo.local=${join(cacheFolder, 'maven')}`, `-DoutputDirectory=${folder}`]
  await run(maven, ['-B', '-q', '-f', join(mongodbServer, 'pom.xml'), ...where, 'dependency:copy-dependencies'])
  await writeFile(complete, '')
  return folder
}

/**
 * CouchbaseMock, made to answer at once; as it is where there is no Java compiler.
 * @returns {Promise<Running>}
 */
async function couchbase() {
  const { startCouchbase } = await import('../../testing/servers/couchbase.js')
  const canCompile = (await onPath('javac')) !== undefined
  const running = await startCouchbase(undefined, canCompile ? atOnce : undefined)
  const { name } = standIn('couchbase')
  const server = { name: canCompile ? name : `${name}, which may answer 40 ms late`, isReal: false }
  return { url: running.url, server, stop: () => running.stop() }
}

/** @param {number} port */
const atOnce = (port) => [join(import.meta.dirname, 'couchbase-server', 'Server.java'), String(port)]

/** A server of the tests. @param {string} name in testing/servers @returns {Server} */
function real(name) {
  return { name: String(server(name).version), isReal: true }
}

/** @param {string} name in testing/servers @returns {Server} */
function standIn(name) {
  return { name: String(server(name).version).replace(', a stand-in', ''), isReal: false }
}

/** @param {string} path */
function isThere(path) {
  return access(path).then(
    () => true,
    () => false,
  )
}
