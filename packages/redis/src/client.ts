import { type OptionRule, withMethods } from 'connect-databank'
import { askAnother, withNudge } from './nudge.ts'

/** A client of node-redis 5 or 6 (`createClient`, `createClientPool`). */
export interface NodeRedisClient {
  sendCommand(args: readonly string[], options?: object): Promise<unknown>
  withCommandOptions?(options: object): Pick<NodeRedisClient, 'sendCommand'>
  readonly options?: { readonly commandOptions?: object } | undefined
  readonly isOpen: boolean
}

/** A client of node-redis 5 or 6 for a cluster (`createCluster`). */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: a node is whatever this very client takes back
  readonly masters: readonly any[]
  readonly slots: readonly { readonly master: unknown }[]
  // biome-ignore lint/suspicious/noExplicitAny: the same
  nodeClient(node: any): NodeRedisClient | Promise<NodeRedisClient>
}

/** A client of node-redis 5 or 6 for servers under Sentinel (`createSentinel`). */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: recognised by it, never called
  getMasterNode(): any
}

/** A client of ioredis 5 (`new Redis`), one that asks Sentinel included. */
export interface IORedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  readonly options: { readonly keyPrefix?: string | undefined }
}

/** A client of ioredis 5 for a cluster (`new Cluster`). */
export interface IORedisCluster extends IORedisClient {
  nodes(role?: 'master'): IORedisClient[]
  refreshSlotsCache(): void
}

/** Every client that a bank takes. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IORedisClient | IORedisCluster

/** What an option `client` must be. */
export const clientRule: OptionRule = {
  expected: 'a client of node-redis 5 or 6, or of ioredis 5',
  accepts: (value) => withMethods('', 'sendCommand').accepts(value) || withMethods('', 'call').accepts(value),
}

/** A command as words; its first key, which says which node of a cluster it is for, is given beside it. */
export type Words = readonly string[]

/** The one face that all clients have for the bank. */
export interface Client {
  /** Whether only keys of one slot may go into one command. */
  readonly isCluster: boolean
  /** What the client puts in front of every key by itself. SCAN alone goes without. */
  readonly keyPrefix: string
  readonly send: (words: Words, key: string) => Promise<unknown>
  /** One function for each server that holds keys; it sends a command to that server. */
  masters(): Promise<readonly ((words: Words) => Promise<unknown>)[]>
}

/** Recognises a client by its structure: it may come from another copy of its package than ours. */
export function adapt(client: RedisClient): Client {
  if ('nodeClient' in client) return nodeRedisCluster(client)
  if ('getMasterNode' in client) return nodeRedisSentinel(client)
  if ('nodes' in client) return ioredisCluster(client)
  if ('call' in client) return ioredis(client)
  return nodeRedis(client)
}

/**
 * For node-redis 6: no AbortSignal a command, which halves its throughput (the store has a time-out of its own). For all: replies
 * as strings, whatever types the caller has told the client to map them to.
 */
export const COMMAND_OPTIONS = { timeout: undefined, abortSignal: undefined, typeMapping: {} }

/**
 * Sends with these options. node-redis 6 merges those of a call with its own at the price of a whole command, so it is told once where
 * the caller has not set any: node-redis 5 does not heed what it is told so, and has nothing to be overruled then.
 */
function senderOf(client: NodeRedisClient): (words: Words) => Promise<unknown> {
  const hasOwn = Object.values(client.options?.commandOptions ?? {}).some((value) => value !== undefined)
  const isPool = 'execute' in client
  if (isPool || hasOwn || client.withCommandOptions === undefined) return (words) => client.sendCommand(words, COMMAND_OPTIONS)
  const sender = client.withCommandOptions(COMMAND_OPTIONS)
  return (words) => sender.sendCommand(words)
}

function nodeRedis(client: NodeRedisClient): Client {
  const send = senderOf(client)
  return { isCluster: false, keyPrefix: '', send, masters: async () => [send] }
}

/** Reads go to the masters, too (`isReadonly` false): a replica may not have yet what this process has just written. */
function nodeRedisCluster(cluster: NodeRedisCluster): Client {
  return {
    isCluster: true,
    keyPrefix: '',
    send: withNudge(
      (words, key) => cluster.sendCommand(key, false, words as string[], COMMAND_OPTIONS),
      (key) => askAnother(cluster, key),
    ),
    masters: async () => {
      const clients = await Promise.all(cluster.masters.map((master) => cluster.nodeClient(master)))
      return clients.map(senderOf)
    },
  }
}

function nodeRedisSentinel(sentinel: NodeRedisSentinel): Client {
  const send = (words: Words) => sentinel.sendCommand(false, words as string[], COMMAND_OPTIONS)
  return { isCluster: false, keyPrefix: '', send, masters: async () => [send] }
}

function ioredis(client: IORedisClient): Client {
  const send = ([command, ...args]: Words) => client.call(command as string, ...args)
  return { isCluster: false, keyPrefix: client.options.keyPrefix ?? '', send, masters: async () => [send] }
}

function ioredisCluster(cluster: IORedisCluster): Client {
  return {
    isCluster: true,
    keyPrefix: cluster.options.keyPrefix ?? '',
    send: withNudge(
      ([command, ...args]) => cluster.call(command as string, ...args),
      async () => cluster.refreshSlotsCache(),
    ),
    masters: async () => cluster.nodes('master').map((node) => ioredis(node).send as (words: Words) => Promise<unknown>),
  }
}
