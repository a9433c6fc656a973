// Redis under Sentinel: a master, a replica, and three sentinels that watch them.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, isListening, Program, scratchFolder, until } from '../program.js'
import { providedBinary, RedisServer, startRedis } from './redis-server.js'

/** The name of the master. */
const NAME = 'sessions'

export async function startSentinel() {
  const args = ['--repl-diskless-sync-delay', '0']
  const master = await startRedis({ args })
  const replica = await startRedis({ args: [...args, '--replicaof', '127.0.0.1', `${master.port}`] })
  await until(async () => (await replica.info('replication')).includes('master_link_status:up'), 'the replica to follow')
  const sentinels = await Promise.all([1, 2, 3].map(() => startOne(master.port)))
  await until(async () => (await Promise.all(sentinels.map(knowsAll))).every(Boolean), 'the sentinels to know each other')
  const addresses = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const stop = () => Promise.all([...sentinels, replica, master].map((each) => each.stop()))
  return { name: NAME, master, replica, sentinels, addresses, stop }
}

/** @param {RedisServer} sentinel */
async function knowsAll(sentinel) {
  const info = await sentinel.info('sentinel')
  return info.includes('status=ok') && info.includes('slaves=1,sentinels=3')
}

/** @param {number} masterPort */
async function startOne(masterPort) {
  const { path: folder, remove } = await scratchFolder()
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 3000`,
  ]
  await writeFile(file, lines.join('\n'))
  const { command, args = [], env = {} } = providedBinary()
  const program = new Program({ command, args: [...args, file, '--sentinel'], env, ready: () => isListening(port) })
  await program.start()
  return new RedisServer(program, { port, folder, remove })
}
