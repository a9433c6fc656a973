import {
  type BankContext,
  closedError,
  DatabankError,
  setBackgroundInterval,
  setBackgroundTimeout,
} from 'connect-databank/backend'
import { type Client, COMMAND_OPTIONS, type NodeRedisClient, type Send } from './clients.ts'
import { redisError } from './errors.ts'
import type { RedisBankOptions } from './options.ts'

interface OwnClient extends NodeRedisClient {
  readonly isReady: boolean
  on(event: string, listener: (error: unknown) => void): unknown
  connect(): Promise<unknown>
  close(): Promise<unknown>
  destroy(): void
}

/** What the near cache adds to a connection. */
export interface ConnectionListener {
  /** More options for node-redis's `createClient`. */
  clientOptions(redis: typeof import('redis')): object
  onReady(): void
  /** The connection is lost, or replaced by another. */
  onLost(): void
}

/** An operation that waits for the connection. */
interface Waiting {
  /** Whether it rejects at the first failure to connect. */
  readonly failsFast: boolean
  readonly resolve: (client: OwnClient) => void
  readonly reject: (error: Error) => void
  timer?: ReturnType<typeof setTimeout>
}

/** How long one attempt to connect may take, in milliseconds, unless the store's `timeout` is short. */
const CONNECT_TIMEOUT = 2_000
/** The parts of the store's `timeout` that operations wait for a connection, and that `open` waits. */
const OFFLINE_SHARE = 0.4
const OPEN_SHARE = 0.9
/** How long an orderly end may take before the socket is closed, in milliseconds. */
const END_TIMEOUT = 1_000
/** The shortest time between two replacements of the connection, in milliseconds. */
const REPLACE_INTERVAL = 1_000
/** How often a connection is checked in the time after which it counts as stalled. */
const CHECKS = 4

/**
 * The connection of a bank with a URL: a client of node-redis that connects on first use, and reconnects for ever. Commands never queue
 * inside the client, where they would outlive the request that sent them: they wait here for a limited time, and are rejected at once
 * while the server refuses access.
 */
export class Connection implements Client {
  readonly isCluster = false
  readonly keyPrefix = ''
  readonly #options: RedisBankOptions
  readonly #timeout: number
  readonly #notifyReady: () => void
  readonly #waiting = new Set<Waiting>()
  #listener: ConnectionListener | undefined
  #client: OwnClient | undefined
  #starting: Promise<void> | undefined
  #failure: (Error & { code: string }) | undefined
  #isClosed = false
  #replacedAt = 0
  #checkTimer: ReturnType<typeof setInterval> | undefined
  /** How many commands were sent so far. */
  #sent = 0

  /** @param onReady is called each time it has connected */
  constructor(options: RedisBankOptions, { timeout }: BankContext, onReady: () => void) {
    this.#options = options
    this.#timeout = timeout
    this.#notifyReady = onReady
  }

  readonly send: Send = (args) => {
    this.#sent += 1
    const client = this.#client
    if (client?.isReady) return client.sendCommand(args as string[])
    return this.#ready(false).then((ready) => ready.sendCommand(args as string[]))
  }

  async masters(): Promise<readonly Send[]> {
    return [this.send]
  }

  /** Must be called before the first use. */
  setListener(listener: ConnectionListener): void {
    this.#listener = listener
  }

  /** Connects, or rejects with what prevents it; then the attempt ends. */
  async open(): Promise<void> {
    if (this.#client?.isReady) return
    try {
      await this.#ready(true)
    } catch (error) {
      if (this.#waiting.size === 0) this.#drop()
      throw error
    }
  }

  /** Lets nobody wait for a connection any longer. */
  refuse(): void {
    this.#isClosed = true
    this.#listener?.onLost()
    this.#rejectWaiting(closedError('RedisBank'))
  }

  close(): void {
    this.refuse()
    this.#drop()
  }

  /** Called when the server refuses writes: a master that became a replica. Its address may lead to another server by now. */
  onReadonly(): void {
    this.#replace('when all is answered')
  }

  /** Makes a new client, at most once a second. The old one ends when its commands are answered, or now: then they are rejected. */
  #replace(when: 'when all is answered' | 'now'): void {
    if (this.#isClosed || this.#client === undefined || Date.now() - this.#replacedAt < REPLACE_INTERVAL) return
    this.#replacedAt = Date.now()
    const old = this.#client
    this.#drop(when === 'now')
    if (when !== 'now') void endInOrder(old)
    this.#start()
  }

  #ready(failsFast: boolean): Promise<OwnClient> {
    if (this.#isClosed) return Promise.reject(closedError('RedisBank'))
    if (!failsFast && this.#failure?.code === 'DATABANK_DENIED') return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { failsFast, resolve, reject }
      this.#waiting.add(waiting)
      this.#start()
      const wait = failsFast ? this.#timeout * OPEN_SHARE : (this.#options.offlineWait ?? this.#timeout * OFFLINE_SHARE)
      const limit = (): void => {
        if (!this.#waiting.has(waiting)) return
        waiting.timer = setBackgroundTimeout(() => this.#ended(waiting).reject(this.#unreachable()), wait)
      }
      // Loading the client may take a second of a busy start. In that time the server was not silent.
      if (this.#client === undefined) loadClient().then(limit, () => {})
      else limit()
    })
  }

  #ended(waiting: Waiting): Waiting {
    clearTimeout(waiting.timer)
    this.#waiting.delete(waiting)
    return waiting
  }

  #unreachable(): Error {
    return this.#failure ?? new DatabankError('DATABANK_UNAVAILABLE', 'Redis: no connection, or no answer on it')
  }

  #start(): void {
    this.#starting ??= this.#connect().catch((error) => {
      // Only wrong options lead here: what happens on the network is an event of the client.
      this.#rejectWaiting(redisError(error))
      this.#starting = undefined
    })
  }

  async #connect(): Promise<void> {
    const redis = await loadClient()
    if (this.#isClosed) return
    const options = { ...this.#clientOptions(), ...this.#listener?.clientOptions(redis) }
    const client = redis.createClient(options) as unknown as OwnClient
    this.#client = client
    client.on('error', (error) => this.#onError(client, error))
    client.on('ready', () => this.#onReady(client))
    this.#checkTimer = this.#startChecks(client)
    // It ends only when we end it: the strategy never stops.
    client.connect().catch(() => {})
  }

  /** The caller's own options win, except for how our commands are sent. */
  #clientOptions(): object {
    const { url = 'redis://127.0.0.1:6379', clientOptions = {} } = this.#options
    const { socket, ...rest } = clientOptions as { socket?: object }
    const connectTimeout = Math.min(CONNECT_TIMEOUT, this.#timeout * OFFLINE_SHARE)
    return {
      url: url.replace(/^valkey/i, 'redis'),
      disableOfflineQueue: true,
      // Commands that a user with few rights may not give, or that Redis 6.2 does not know.
      disableClientInfo: true,
      maintNotifications: 'disabled',
      ...rest,
      commandOptions: COMMAND_OPTIONS,
      socket: { connectTimeout, reconnectStrategy, ...socket },
    }
  }

  /**
   * A connection whose other end has vanished looks healthy to the kernel for a quarter of an hour. So one in use is asked for an answer,
   * which comes after the answers to all commands before.
   */
  #startChecks(client: OwnClient): ReturnType<typeof setInterval> {
    let seen = this.#sent
    let unanswered = 0
    const answered = (): void => {
      unanswered = 0
    }
    const check = (): void => {
      if (unanswered >= CHECKS) this.#replace('now')
      else if (unanswered > 0) unanswered += 1
      else if (this.#sent !== seen && client.isReady) {
        unanswered = 1
        client.sendCommand(['MGET', this.#options.prefix ?? 'sess:']).then(answered, answered)
      }
      seen = this.#sent
    }
    return setBackgroundInterval(check, Math.ceil((this.#options.stallTimeout ?? this.#timeout) / CHECKS))
  }

  #onReady(client: OwnClient): void {
    if (client !== this.#client || this.#isClosed) return
    this.#failure = undefined
    this.#listener?.onReady()
    this.#notifyReady()
    for (const waiting of [...this.#waiting]) this.#ended(waiting).resolve(client)
  }

  #onError(client: OwnClient, error: unknown): void {
    if (client !== this.#client) return
    this.#listener?.onLost()
    const failure = redisError(error)
    this.#failure = failure
    const isDenied = failure.code === 'DATABANK_DENIED'
    this.#rejectWaiting(failure, ({ failsFast }) => failsFast || isDenied)
    // The caller's own strategy has stopped: the next command connects anew.
    if (!client.isOpen) this.#drop()
  }

  #rejectWaiting(error: Error, isAffected: (waiting: Waiting) => boolean = () => true): void {
    for (const waiting of [...this.#waiting]) if (isAffected(waiting)) this.#ended(waiting).reject(error)
  }

  #drop(cut = true): void {
    const client = this.#client
    this.#listener?.onLost()
    clearInterval(this.#checkTimer)
    this.#client = undefined
    this.#starting = undefined
    if (cut && client?.isOpen) client.destroy()
  }
}

let loading: Promise<typeof import('redis')> | undefined

/** Imported on first use: an application that hands in a client of ioredis does not load node-redis. */
function loadClient(): Promise<typeof import('redis')> {
  loading ??= import('redis')
  return loading
}

/** 25 to 50 ms at first, then up to 500 ms: soon enough for users, and not all processes at the same moment. */
function reconnectStrategy(retries: number): number {
  const longest = Math.min(50 * 2 ** Math.min(retries, 10), 500)
  return longest * (0.5 + Math.random() / 2)
}

/** Ends a client when its commands are answered, but soon: its own `close` waits for ever for a server that has gone. */
async function endInOrder(client: OwnClient): Promise<void> {
  if (!client.isOpen) return
  let timer: ReturnType<typeof setTimeout> | undefined
  const timedOut = new Promise<void>((resolve) => {
    timer = setBackgroundTimeout(resolve, END_TIMEOUT)
  })
  await Promise.race([client.close().catch(() => {}), timedOut])
  clearTimeout(timer)
  client.destroy()
}
