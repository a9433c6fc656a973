import { importClient } from './clients.ts'
import { clockFinding } from './clock.ts'
import { errorFrom } from './errors.ts'
import { type Examiner, isLocalHost, type Subject } from './examination.ts'
import { type Finding, fail, messageOf, ok, unseen, warn } from './finding.ts'
import { versionFinding } from './versions.ts'

/** The part of node-redis that is used. */
interface Redis {
  createClient(options: object): RedisClient
}

interface RedisClient {
  on(event: string, listener: (error: unknown) => void): unknown
  connect(): Promise<unknown>
  sendCommand(args: string[]): Promise<unknown>
  destroy(): void
}

type Send = (...args: string[]) => Promise<unknown>

export const redis: Examiner = {
  async *examine(subject) {
    const client = await connect(subject)
    const send: Send = (...args) => client.sendCommand(args)
    try {
      const info = await send('INFO').then(
        (text) => fieldsOf(String(text)),
        (error) => error as Error,
      )
      if (info instanceof Error) yield unseen('server', info, 'ACL SETUSER … +info')
      else yield* lookAtServer(info)
      yield* lookAtClock(send)
      yield lookAtTls(subject)
      yield* lookAtUser(send, subject)
      yield* lookAtRights(send, subject)
      if (!(info instanceof Error)) yield* lookAtSettings(send, info)
    } finally {
      client.destroy()
    }
  },
}

async function connect({ url, options, timeout }: Subject): Promise<RedisClient> {
  const { createClient } = await importClient<Redis>('redis', 'redis')
  const { socket, ...rest } = (options['clientOptions'] ?? {}) as { socket?: object }
  const client = createClient({
    url: url.replace(/^valkey/i, 'redis'),
    disableClientInfo: true,
    maintNotifications: 'disabled',
    ...rest,
    socket: { connectTimeout: timeout, ...socket, reconnectStrategy: false },
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw errorFrom('Redis', error, /NOAUTH|WRONGPASS|NOPERM|invalid password|without any password/)
  }
  return client
}

/** The lines of INFO, by name. */
function fieldsOf(text: string): Record<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

type Info = Readonly<Record<string, string>>

function* lookAtServer(info: Info): Generator<Finding> {
  const valkey = info['valkey_version']
  yield versionFinding(valkey === undefined ? 'Redis' : 'Valkey', valkey ?? info['redis_version'] ?? '0')
  if (info['cluster_enabled'] === '1') {
    const message = 'this server is one of a cluster: the store needs a client for clusters, and only this server is examined'
    yield warn('cluster', message, `new RedisStore({ client: createCluster({ rootNodes: [{ url }] }) })`)
  }
  if (info['role'] === 'slave') yield fail('role', 'this server is a replica, and takes no writes', 'name the primary in the URL')
}

async function* lookAtClock(send: Send): AsyncGenerator<Finding> {
  try {
    yield await clockFinding('Redis', async () => {
      const [seconds, microseconds] = (await send('TIME')) as [unknown, unknown]
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
    })
  } catch (error) {
    yield unseen('clock', error, 'ACL SETUSER … +time')
  }
}

function lookAtTls({ url, options }: Subject): Finding {
  const { socket } = (options['clientOptions'] ?? {}) as { socket?: { tls?: boolean } }
  if (/^(rediss|valkeys):/i.test(url) || socket?.tls === true) return ok('TLS', 'the connection is encrypted')
  if (isLocalHost(new URL(url).hostname)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions and the password cross the network in plain text', url.replace(/^(\w+):.*/s, '$1s://…'))
}

async function* lookAtUser(send: Send, { url }: Subject): AsyncGenerator<Finding> {
  try {
    const name = String(await send('ACL', 'WHOAMI'))
    const user = pairsOf(await send('ACL', 'GETUSER', name))
    const flags = [user['flags']].flat().map(String)
    if (flags.includes('nopass') && !isLocalHost(new URL(url).hostname)) {
      yield warn('password', `the user ${name} needs no password`, 'CONFIG SET requirepass …')
    }
    const isWide = flags.includes('allcommands') || /\+@all\b/.test(String(user['commands']))
    if (!isWide) yield ok('user', `${name} may use chosen commands only`)
    else if (name === 'default')
      yield ok('user', `${name} may do everything; the README of @connect-databank/redis says what suffices`)
    else yield warn('user', `${name} may do everything`, `ACL SETUSER ${name} -@all ${grantsOf(Object.keys(commandsOf('')))}`)
  } catch (error) {
    yield ok('user', `not looked at: ${messageOf(error)}`)
  }
}

function grantsOf(commands: readonly string[]): string {
  return commands.map((name) => `+${name}`).join(' ')
}

/** A reply of names and values, as an array or as an object. */
function pairsOf(reply: unknown): Record<string, unknown> {
  if (!Array.isArray(reply)) return Object(reply) as Record<string, unknown>
  return Object.fromEntries(reply.flatMap((name, index) => (index % 2 === 0 ? [[String(name), reply[index + 1]]] : [])))
}

/** The commands of the store on a session, as it sends them. */
function commandsOf(key: string): Record<string, string[]> {
  return {
    get: ['GET', key],
    mget: ['MGET', key],
    getrange: ['GETRANGE', key, '0', '0'],
    set: ['SET', key, ''],
    unlink: ['UNLINK', key],
    pexpireat: ['PEXPIREAT', key, '1'],
    persist: ['PERSIST', key],
    pexpiretime: ['PEXPIRETIME', key],
    scan: ['SCAN', '0'],
    eval: ['EVAL', 'return 0', '1', key],
    evalsha: ['EVALSHA', '0'.repeat(40), '1', key],
  }
}

/** The commands on the index of owners. */
function ownerCommandsOf(key: string): Record<string, string[]> {
  return { zadd: ['ZADD', key, '0', ''], zrem: ['ZREM', key, ''], zrangebylex: ['ZRANGEBYLEX', key, '-', '+'] }
}

/** The server checks the rights when it queues a command. The queue is discarded: nothing runs. */
async function* lookAtRights(send: Send, { options, store }: Subject): AsyncGenerator<Finding> {
  const prefix = String(options['prefix'] ?? 'sess:')
  const ofOwners = store.owner === undefined ? {} : ownerCommandsOf(`owners:${prefix}00`)
  try {
    await send('MULTI')
  } catch (error) {
    yield ok('rights', `not looked at: ${messageOf(error)}`)
    return
  }
  const missing: string[] = []
  for (const [name, args] of Object.entries({ ...commandsOf(`${prefix}doctor`), ...ofOwners })) {
    await send(...args).catch((error) => {
      if (messageOf(error).startsWith('NOPERM')) missing.push(name)
    })
  }
  await send('DISCARD').catch(() => {})
  const keys = store.owner === undefined ? `~${prefix}*` : `~${prefix}* ~owners:${prefix}*`
  if (missing.length === 0) yield ok('rights', `all that the store needs on ${keys}`)
  else yield fail('rights', `missing on ${keys}: ${missing.join(', ')}`, `ACL SETUSER … ${keys} ${grantsOf(missing)}`)
}

async function* lookAtSettings(send: Send, info: Info): AsyncGenerator<Finding> {
  yield lookAtEviction(info)
  const [limit, used] = [Number(info['maxmemory'] ?? 0), Number(info['used_memory'] ?? 0)]
  if (limit > 0 && used > 0.9 * limit) {
    yield warn('memory', `${Math.round((used / limit) * 100)} % of maxmemory is used`, 'CONFIG SET maxmemory …')
  }
  yield* lookAtPersistence(send, info)
}

function lookAtEviction({ maxmemory_policy: policy = 'unknown', maxmemory }: Info): Finding {
  const limit = Number(maxmemory ?? 0)
  if (policy === 'noeviction') return ok('eviction', `maxmemory-policy ${policy}: no session is evicted`)
  const message = `maxmemory-policy ${policy} logs users out without a word when memory is used up`
  return warn(
    'eviction',
    limit === 0 ? `${message}; there is no maxmemory yet` : message,
    'CONFIG SET maxmemory-policy noeviction',
  )
}

async function* lookAtPersistence(send: Send, info: Info): AsyncGenerator<Finding> {
  if (info['aof_last_write_status'] === 'err') yield fail('persistence', 'the append-only file cannot be written', 'df -h')
  if (info['rdb_last_bgsave_status'] === 'err') yield warn('persistence', 'the last snapshot could not be written', 'df -h')
  if (info['aof_enabled'] === '1') yield ok('persistence', 'append-only file')
  else yield warn('persistence', await withoutAppendOnlyFile(send), 'CONFIG SET appendonly yes')
}

async function withoutAppendOnlyFile(send: Send): Promise<string> {
  try {
    const { save } = pairsOf(await send('CONFIG', 'GET', 'save'))
    if (save === '') return 'none: a restart logs everybody out'
    return 'snapshots alone: a restart takes back minutes, and sessions that had been logged out exist again'
  } catch {
    return 'no append-only file: a restart takes back minutes, or logs everybody out'
  }
}
