// Every client that a bank takes, connected: the tests run with each of them.
import * as ioredis5 from 'ioredis'
import * as ioredis6 from 'ioredis-6'
import * as nodeRedis6 from 'redis'
import * as nodeRedis5 from 'redis-5'
import type { RedisClient } from '../src/index.ts'

/** A connected client and how to end it. */
export interface Connected {
  readonly client: RedisClient
  close(): Promise<unknown>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** What a connection needs beside its address. */
export interface Access {
  readonly ca?: string | undefined
  readonly username?: string
  readonly password?: string
}

type Connect<Target> = (target: Target, access?: Access) => Promise<Connected>

const host = '127.0.0.1'

function nodeRedis(module: typeof nodeRedis6): Connect<number> {
  return async (port, { ca, username, password } = {}) => {
    const socket = { host, port, ...(ca && { tls: true as const, ca }) }
    const client = module.createClient({ socket, ...(password && { username: username!, password }) })
    client.on('error', () => {})
    await client.connect()
    return { client, close: async () => client.destroy() }
  }
}

function ioredis(module: typeof ioredis5): Connect<number> {
  return async (port, { ca, username, password } = {}) => {
    // Without the ready check, for which it would need the right to INFO.
    const options = { host, port, enableReadyCheck: false, ...(ca && { tls: { ca } }) }
    const client = new module.Redis({ ...options, ...(password && { username: username!, password }) })
    client.on('error', () => {})
    return { client, close: async () => client.disconnect() }
  }
}

export const singleClients: Readonly<Record<string, Connect<number>>> = {
  'node-redis 6': nodeRedis(nodeRedis6),
  'node-redis 5': nodeRedis(nodeRedis5 as unknown as typeof nodeRedis6),
  'ioredis 6': ioredis(ioredis6 as unknown as typeof ioredis5),
  'ioredis 5': ioredis(ioredis5),
}

function nodeRedisCluster(module: typeof nodeRedis6): Connect<readonly number[]> {
  return async (ports) => {
    const client = module.createCluster({ rootNodes: ports.map((port) => ({ socket: { host, port } })) })
    client.on('error', () => {})
    await client.connect()
    return { client, close: async () => client.destroy() }
  }
}

function ioredisCluster(module: typeof ioredis5): Connect<readonly number[]> {
  return async (ports) => {
    const client = new module.Cluster(ports.map((port) => ({ host, port })))
    client.on('error', () => {})
    return { client, close: async () => client.disconnect() }
  }
}

export const clusterClients: Readonly<Record<string, Connect<readonly number[]>>> = {
  'node-redis 6': nodeRedisCluster(nodeRedis6),
  'node-redis 5': nodeRedisCluster(nodeRedis5 as unknown as typeof nodeRedis6),
  'ioredis 6': ioredisCluster(ioredis6 as unknown as typeof ioredis5),
  'ioredis 5': ioredisCluster(ioredis5),
}

interface Sentinels {
  readonly name: string
  readonly addresses: Address[]
}

function nodeRedisSentinel(module: typeof nodeRedis6): Connect<Sentinels> {
  return async ({ name, addresses }) => {
    const client = module.createSentinel({ name, sentinelRootNodes: addresses, reserveClient: true })
    client.on('error', () => {})
    await client.connect()
    return { client, close: async () => client.destroy() }
  }
}

function ioredisSentinel(module: typeof ioredis5): Connect<Sentinels> {
  return async ({ name, addresses }) => {
    const client = new module.Redis({ name, sentinels: addresses })
    client.on('error', () => {})
    return { client, close: async () => client.disconnect() }
  }
}

export const sentinelClients: Readonly<Record<string, Connect<Sentinels>>> = {
  'node-redis 6': nodeRedisSentinel(nodeRedis6),
  'node-redis 5': nodeRedisSentinel(nodeRedis5 as unknown as typeof nodeRedis6),
  'ioredis 6': ioredisSentinel(ioredis6 as unknown as typeof ioredis5),
  'ioredis 5': ioredisSentinel(ioredis5),
}
