import { DatabankError, setBackgroundInterval } from 'connect-databank/backend'

/** A client of node-redis 5 or 6 (`createClient`, `createClientPool`). */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: object): Promise<unknown>
  withCommandOptions?(options: object): Pick<NodeRedisClient, 'sendCommand'>
  readonly options?: { readonly commandOptions?: object } | undefined
  readonly isOpen: boolean
}

/** A client of node-redis 5 or 6 for a cluster (`createCluster`). */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
  readonly masters: readonly unknown[]
  readonly slots: readonly { readonly master: unknown }[]
  nodeClient(node: unknown): NodeRedisClient | Promise<NodeRedisClient>
  readonly isOpen: boolean
}

/** A client of node-redis 5 or 6 for servers under Sentinel (`createSentinel`). */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
  getMasterNode(): unknown
  readonly isOpen: boolean
}

/** A client of ioredis 5 or 6 (`new Redis`), also with Sentinel. */
export interface IORedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  readonly options: { readonly keyPrefix?: string | undefined }
}

/** A client of ioredis 5 or 6 for a cluster (`new Cluster`). */
export interface IORedisCluster extends IORedisClient {
  nodes(role?: 'master'): IORedisClient[]
  refreshSlotsCache(): void
}

export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IORedisClient | IORedisCluster

/** Sends a command: its name and arguments. `key`, its first key, selects the node of a cluster. */
export type Send = (args: string[], key: string) => Promise<unknown>

/** The common interface of all clients. */
export interface Client {
  /** Whether one command may only have keys of one slot. */
  readonly isCluster: boolean
  /** The prefix that the client itself adds to every key, except in SCAN. */
  readonly keyPrefix: string
  readonly send: Send
  /** A function for each server that holds keys: it sends a command to that server. */
  masters(): Promise<readonly Send[]>
}

/**
 * Options of each command of node-redis. Version 6 makes an AbortSignal for each command with a time-out, which halves the throughput;
 * the store has a time-out of its own. Replies are strings and numbers, even if the client has a type mapping.
 */
export const COMMAND_OPTIONS = { timeout: undefined, abortSignal: undefined, typeMapping: {} }

/** Why a client cannot be used; undefined if it can. */
export function refusalOf(client: object): string | undefined {
  if ('internal_send_command' in client) return 'is of node-redis 3 or older; connect one of node-redis 5 or 6'
  const { options } = client as { options?: { legacyMode?: unknown } }
  if (options?.legacyMode === true) return 'was made with legacyMode, where commands take callbacks; make it without'
  if ('call' in client || 'isOpen' in client) return undefined
  return 'is no client of node-redis 5 or 6 (it has no isOpen); hand in the client itself, not what its legacy() returns'
}

/** Recognizes a client by its structure: it may come from another copy of its package. */
export function adapt(client: RedisClient): Client {
  if ('nodeClient' in client) return nodeRedisCluster(client)
  if ('getMasterNode' in client) {
    return single(whileOpen(client, (args) => client.sendCommand(false, args, COMMAND_OPTIONS)))
  }
  if ('nodes' in client) return ioredisCluster(client)
  if ('call' in client) return single(callOf(client), client.options.keyPrefix)
  return single(whileOpen(client, senderOf(client)))
}

/**
 * A client of node-redis 6 merges the options of a call with its own, which costs as much as a whole command. So the options are set once
 * on the client, if the caller has set none. A client of node-redis 5 ignores them, and has no options to override.
 */
function senderOf(client: NodeRedisClient): Send {
  const hasOwn = Object.values(client.options?.commandOptions ?? {}).some((value) => value !== undefined)
  const isPool = 'execute' in client
  const sender = isPool || hasOwn ? undefined : client.withCommandOptions?.(COMMAND_OPTIONS)
  if (sender === undefined) return (args) => client.sendCommand(args, COMMAND_OPTIONS)
  return (args) => sender.sendCommand(args)
}

/** Reads also go to the masters (`isReadonly` is false), because a replica may lack this process's last write. */
function nodeRedisCluster(cluster: NodeRedisCluster): Client {
  const send: Send = (args, key) => cluster.sendCommand(key, false, args, COMMAND_OPTIONS)
  return {
    isCluster: true,
    keyPrefix: '',
    send: refreshingTopology(whileOpen(cluster, send), (key) => probeOtherNode(cluster, key)),
    masters: () => Promise.all(cluster.masters.map(async (master) => senderOf(await cluster.nodeClient(master)))),
  }
}

function ioredisCluster(cluster: IORedisCluster): Client {
  return {
    isCluster: true,
    keyPrefix: cluster.options.keyPrefix ?? '',
    send: refreshingTopology(callOf(cluster), async () => cluster.refreshSlotsCache()),
    masters: async () => cluster.nodes('master').map(callOf),
  }
}

export function single(send: Send, keyPrefix = ''): Client {
  return { isCluster: false, keyPrefix, send, masters: async () => [send] }
}

function callOf(client: IORedisClient): Send {
  return ([command, ...args]) => client.call(command!, ...args)
}

/** Replaces the error of a closed client of node-redis, which says only "The client is closed". */
function whileOpen(client: { readonly isOpen: boolean }, send: Send): Send {
  const why = 'Redis: the client is not connected, or was closed: await client.connect() before the first request'
  return (args, key) => (client.isOpen ? send(args, key) : Promise.reject(new DatabankError('DATABANK_UNAVAILABLE', why)))
}

/** How often the commands under way of a cluster are checked, in milliseconds. */
const CHECK_INTERVAL = 250
/** At this check after it was sent, a command has waited too long. */
const CHECKS = 2

/**
 * Sends to a cluster, and makes the client notice a failover. Clients refresh the topology when a node redirects them; a master that
 * has failed or hangs redirects nobody, so commands would wait for it although a replica has taken over. (Without this, node-redis 5 waits
 * for ever, node-redis 6 waits 5 seconds if the master has failed and for ever if it hangs, ioredis waits some seconds.)
 */
function refreshingTopology(send: Send, refresh: (key: string) => Promise<unknown>): Send {
  /** In the order in which they were sent: only the first, which has waited longest, is checked. */
  const underWay = new Set<{ readonly key: string; readonly sentAt: number }>()
  let checks = 0
  let timer: ReturnType<typeof setInterval> | undefined
  const check = (): void => {
    checks += 1
    const [oldest] = underWay
    if (oldest === undefined) {
      clearInterval(timer)
      timer = undefined
    } else if (checks - oldest.sentAt >= CHECKS) refresh(oldest.key).catch(() => {})
  }
  return (args, key) => {
    const command = { key, sentAt: checks }
    underWay.add(command)
    timer ??= setBackgroundInterval(check, CHECK_INTERVAL)
    return send(args, key).finally(() => underWay.delete(command))
  }
}

/** Sends a command for the key to another node: if the slot has moved, that node redirects, and the client refreshes the topology. */
async function probeOtherNode(cluster: NodeRedisCluster, key: string): Promise<void> {
  const masterOf = (text: string): unknown => cluster.slots[slotOf(text)]?.master
  const silent = masterOf(key)
  // Any other master, at random: the first may have failed as well.
  const texts = Array.from({ length: 1_000 }, () => `{${Math.random()}}`)
  const other = texts.find((text) => ![silent, undefined].includes(masterOf(text)))
  if (other !== undefined) await cluster.sendCommand(other, false, ['GET', key])
}

/**
 * The slot of a key in a cluster: the CRC-16/XMODEM of the text between the first `{` and the next `}`, if there is any; otherwise of the
 * whole key.
 */
export function slotOf(key: string): number {
  const hashTag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1]
  let crc = 0
  for (const byte of Buffer.from(hashTag ?? key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1
  }
  return crc % 16_384
}
