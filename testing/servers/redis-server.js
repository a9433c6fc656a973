// A redis-server.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort, isListening, Program, scratchFolder } from '../program.js'
import { makeCertificate } from '../tools/certificate.js'
import { server } from './index.js'

/**
 * @typedef {{ command: string, args?: string[], env?: Record<string, string> }} Binary how to run a server's program
 * @typedef {{
 *   binary?: Binary,
 *   args?: string[],
 *   tls?: boolean,
 *   acl?: string[],
 *   port?: number,
 *   ready?: (port: number) => boolean | Promise<boolean>,
 * }} RedisOptions
 *   `args`: of redis-server's command line; `acl`: lines of an ACL file; `ready`: whether it has started. Default: whether it listens
 */

/** A server with a folder of its own. It writes nothing to disk unless `args` say so. */
export class RedisServer {
  /**
   * @param {Program} program
   * @param {{ port: number, folder: string, remove: () => Promise<void>, ca?: string | undefined }} location `ca`: with TLS
   */
  constructor(program, { port, folder, remove, ca }) {
    this.program = program
    this.port = port
    this.folder = folder
    this.remove = remove
    this.ca = ca
    this.url = `${ca ? 'rediss' : 'redis'}://127.0.0.1:${port}`
  }

  /**
   * Sends commands over a new connection; returns the reply to the last one.
   * @param {string[][]} commands
   * @returns {Promise<unknown>}
   */
  async admin(...commands) {
    // Not node-redis, which creates the methods of all commands for each client.
    const client = new Redis({
      ...{ host: '127.0.0.1', port: this.port, lazyConnect: true, retryStrategy: () => null },
      ...{ enableReadyCheck: false, disableClientInfo: true, ...(this.ca !== undefined && { tls: { ca: this.ca } }) },
    })
    client.on('error', () => {})
    await client.connect()
    try {
      let reply
      for (const [name = '', ...args] of commands) reply = await client.call(name, ...args)
      return reply
    } finally {
      client.disconnect()
    }
  }

  /** @param {string} section */
  async info(section) {
    return String(await this.admin(['INFO', section]))
  }

  async stop() {
    await this.program.stop()
    await this.remove()
  }
}

/**
 * @param {RedisOptions} [options]
 * @returns {Promise<RedisServer>}
 */
export async function startRedis({ binary = providedBinary(), args = [], tls = false, acl, port, ready = isListening } = {}) {
  const at = port ?? (await freePort())
  const { path: folder, remove } = await scratchFolder()
  const own = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', '--daemonize', 'no']
  let ca
  if (tls) {
    const { cert, key } = await makeCertificate(folder)
    ca = await readFile(cert, 'utf8')
    own.push('--port', '0', '--tls-port', `${at}`, '--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no')
  } else own.push('--port', `${at}`)
  if (acl !== undefined) {
    const file = join(folder, 'users.acl')
    await writeFile(file, `${acl.join('\n')}\n`)
    own.push('--aclfile', file)
  }
  const { command, args: first = [], env = {} } = binary
  const program = new Program({ command, args: [...first, ...own, ...args], env, cwd: folder, ready: () => ready(at) })
  await program.start()
  return new RedisServer(program, { port: at, folder, remove, ca })
}

/** @returns {Binary} */
export function providedBinary() {
  const { missing, binary } = server('redis')
  if (missing !== undefined) throw new Error(`no Redis: ${missing}`)
  return /** @type {Binary} */ (binary)
}
