// Redis from the PATH, else from Debian's packages, unpacked into .cache. `REDIS_URL` adds a server, for the conformance suites only.
import { join } from 'node:path'
import { isProgram, onPath, run } from '../tools/command.js'
import { librariesIn, unpackDebian } from '../tools/debian.js'
import { cacheFolder } from './index.js'

export { startCluster } from './redis-cluster.js'
export { startSentinel } from './redis-sentinel.js'
export { RedisServer, startRedis } from './redis-server.js'

/** @typedef {import('./redis-server.js').Binary} Binary */

const PACKAGES = ['redis-server', 'redis-tools', 'libatomic1', 'libjemalloc2', 'liblua5.1-0', 'liblzf1', 'lua-bitop', 'lua-cjson']

export const packageName = 'redis'
export const title = 'Redis'

/** @returns {Promise<{ binary: Binary, version: string, url?: string }>} */
export async function provide() {
  const url = process.env['REDIS_URL']
  const binary = await findOrFetch()
  return { binary, version: await versionOf('Redis', binary), ...(url && { url }) }
}

/**
 * The version that a server's program prints.
 * @param {string} product
 * @param {Binary} binary
 */
export async function versionOf(product, { command, args = [], env }) {
  const said = await run(command, [...args, '--version'], { env: { ...process.env, ...env } })
  return `${product} ${/v=(\S+)/.exec(said)?.[1] ?? ''}`
}

/** @returns {Promise<Binary>} */
async function findOrFetch() {
  const installed = await onPath('redis-server')
  if (installed !== undefined) return { command: installed }
  const folder = join(cacheFolder, 'redis')
  const command = join(folder, 'usr/bin/redis-server')
  if (!(await isProgram(command))) await unpackDebian(PACKAGES, folder)
  return { command, env: { LD_LIBRARY_PATH: await librariesIn(folder) } }
}
