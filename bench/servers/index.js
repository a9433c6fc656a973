// The servers of a run, with folders and ports of their own.
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort, isListening, Program } from '../../testing/program.js'
import { cacheFolder, server } from '../../testing/servers/index.js'
import { onPath, run } from '../../testing/tools/command.js'

/**
 * @typedef {object} Running
 * @property {string} url
 * @property {string} version what it says it is
 * @property {(count: number) => Promise<void>} [foreign] puts keys beside the sessions that are not ours
 * @property {() => Promise<void>} [empty]
 * @property {() => Promise<void>} stop
 */

/** @type {Record<string, () => Promise<Running>>} */
export const start = { redis, 'mongodb-load': mongodb, couchbase, postgresql, mariadb }

/** @returns {Promise<Running>} */
async function redis() {
  const { startRedis } = await import('../../testing/servers/redis.js')
  const running = await startRedis({ args: ['--enable-debug-command', 'yes'] })
  const client = await createClient({ url: running.url }).connect()
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1]
  return {
    url: running.url,
    version: `Redis ${version}`,
    foreign: async (count) => void (await client.sendCommand(['DEBUG', 'POPULATE', String(count), 'foreign', '20'])),
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
  const running = await startPostgresql()
  return { url: running.url, version: String(server('postgresql')['version']), stop: () => running.stop() }
}

/** @returns {Promise<Running>} */
async function mariadb() {
  const { startMariadb } = await import('../../testing/servers/mariadb.js')
  const running = await startMariadb()
  return { url: running.url, version: String(server('mariadb')['version']), stop: () => running.stop() }
}

/**
 * A mongod; else mongo-java-server, which Maven fetches and which is fast enough not to be what is measured; else the stand-in that
 * the tests run.
 * @returns {Promise<Running>}
 */
async function mongodb() {
  const { startMongodb } = await import('../../testing/servers/mongodb.js')
  const isReal = server('mongodb')['kind'] === 'mongod'
  const libraries = isReal ? undefined : await mongoJavaServer()
  if (libraries === undefined) {
    const running = await startMongodb()
    return { url: running.url, version: isReal ? 'mongod' : 'SecantusDB, a stand-in', stop: () => running.stop() }
  }
  const port = await freePort()
  const args = ['-Xmx2g', '-cp', join(libraries, '*'), join(mongodbServer, 'Server.java'), String(port)]
  const program = await new Program({ command: 'java', args, ready: () => isListening(port) }).start()
  const url = `mongodb://127.0.0.1:${port}/`
  return { url, version: 'mongo-java-server 1.47.0 in memory, a stand-in', stop: () => program.stop() }
}

const mongodbServer = join(import.meta.dirname, 'mongodb-server')

/** The folder of its libraries; undefined where Java's compiler or Maven is missing. */
async function mongoJavaServer() {
  const folder = join(cacheFolder, 'mongo-java-server-1.47.0')
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
  const version = canCompile ? 'CouchbaseMock, a stand-in' : 'CouchbaseMock, a stand-in that may answer 40 ms late'
  return { url: running.url, version, stop: () => running.stop() }
}

/** @param {number} port */
const atOnce = (port) => [join(import.meta.dirname, 'couchbase-server', 'Server.java'), String(port)]

/** @param {string} path */
function isThere(path) {
  return access(path).then(
    () => true,
    () => false,
  )
}
