// The servers of a run, with folders and ports of their own.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { isProgram, onPath, run } from '../scripts/servers/fetch.js'
import { cacheFolder, server } from '../scripts/servers/index.js'
import { freePort, isListening, Program, scratchFolder } from '../scripts/servers/program.js'

/**
 * @typedef {object} Running
 * @property {string} url
 * @property {string} version what it says it is
 * @property {(count: number) => Promise<void>} [foreign] puts keys beside the sessions that are not ours
 * @property {() => Promise<void>} [empty]
 * @property {() => Promise<void>} stop
 */

/** @type {Record<string, () => Promise<Running>>} */
export const start = { redis, 'mongodb-load': mongodb, couchbase }

/** @returns {Promise<Running>} */
async function redis() {
  const { startRedis } = await import('../scripts/servers/redis.js')
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

const secantusVersion = '0.5.3-beta.196'

/**
 * A mongod; else SecantusDB in Rust, which cargo builds, some times faster than the one that the tests run; else that one.
 * @returns {Promise<Running>}
 */
async function mongodb() {
  const { startMongodb } = await import('../scripts/servers/mongodb.js')
  if (server('mongodb')['kind'] === 'mongod') {
    const running = await startMongodb()
    return { url: running.url, version: 'mongod', stop: () => running.stop() }
  }
  const command = await builtSecantus()
  if (command === undefined) {
    const running = await startMongodb()
    return { url: running.url, version: 'SecantusDB in Python, a stand-in', stop: () => running.stop() }
  }
  const [folder, port] = [await scratchFolder(), await freePort()]
  const args = ['--port', String(port), '--storage-path', folder.path]
  const program = await new Program({ command, args, ready: () => isListening(port) }).start()
  return {
    url: `mongodb://127.0.0.1:${port}/`,
    version: `SecantusDB ${secantusVersion} in Rust, a stand-in`,
    async stop() {
      await program.stop()
      await folder.remove()
    },
  }
}

/** Cargo takes some minutes for it, once. */
async function builtSecantus() {
  const root = join(cacheFolder, 'secantus-rs')
  const command = join(root, 'bin/secantusd-rs')
  if (await isProgram(command)) return command
  const cargo = await onPath('cargo')
  if (cargo === undefined) return undefined
  await run(cargo, ['install', 'secantus-mdb', '--version', secantusVersion, '--ignore-rust-version', '--root', root]).catch(
    () => {},
  )
  return (await isProgram(command)) ? command : undefined
}

/** @returns {Promise<Running>} */
async function couchbase() {
  const { startCouchbase } = await import('../scripts/servers/couchbase.js')
  const running = await startCouchbase()
  return { url: running.url, version: 'CouchbaseMock, a stand-in', stop: () => running.stop() }
}

/** Whether our packages are built. */
export async function isBuilt() {
  return access(join(import.meta.dirname, '../packages/core/dist/index.js')).then(
    () => true,
    () => false,
  )
}
