import { closedError, DatabankError, setBackgroundInterval, setBackgroundTimeout } from 'connect-databank/backend'
import { COMMAND_OPTIONS, type Send } from './clients.ts'
import { redisError } from './errors.ts'
import type { RedisBankOptions } from './options.ts'

type NodeRedis = typeof import('redis')
type OwnClient = ReturnType<NodeRedis['createClient']>

/** The near cache's part in a connection. */
export interface ConnectionListener {
  /** More options for node-redis's `createClient`. */
  clientOptions(redis: NodeRedis): object
  /** The server has answered, when the client connected or at a check. */
  onAnswer(): void
  /** The connection is lost, silent, or replaced by another. */
  onLost(): void
}

/** An operation that waits for the connection. */
interface Waiting {
  /** Whether it rejects at the first failure to connect. */
  readonly failsFast: boolean
  readonly resolve: (client: OwnClient) => void
  readonly reject: (error: Error) => void
}

/** How long one attempt to connect may take, in milliseconds, unless the store's `timeout` is short. */
const CONNECT_TIMEOUT = 2_000
/** The parts of the store's `timeout` that operations and `open` wait for a connection. */
const OFFLINE_SHARE = 0.4
const OPEN_SHARE = 0.9
/** The shortest time between two replacements of a master that became a replica, and how long it may still answer, in milliseconds. */
const REPLACE_INTERVAL = 1_000
/** How often, at least, a connection is checked within its stall time-out. */
const CHECKS = 4
/** The longest time between two checks, and how long a near cache relies on a connection without an answer, in milliseconds. */
const SILENCE = 1_000

/**
 * The connection of a bank with a URL: a client of node-redis that connects on first use, and reconnects for ever. Commands never wait
 * inside the client, because they could be sent after their request has ended. They wait here for a limited time, and are rejected at
 * once while the server refuses access.
 */
export class Connection {
  readonly #options: RedisBankOptions
  readonly #timeout: number
  readonly #onReady: () => void
  readonly #listener: ConnectionListener | undefined
  readonly #waiting = new Set<Waiting>()
  #client: OwnClient | undefined
  #checkTimer: ReturnType<typeof setInterval> | undefined
  #failure: (Error & { code: string }) | undefined
  #isClosed = false
  #replacedAt = 0
  #sent = 0

  /**
   * @param timeout the store's
   * @param onReady is called each time it has connected
   */
  constructor(options: RedisBankOptions, timeout: number, onReady: () => void, listener?: ConnectionListener) {
    this.#options = options
    this.#timeout = timeout
    this.#onReady = onReady
    this.#listener = listener
  }

  readonly send: Send = (args) => {
    this.#sent += 1
    const client = this.#client
    if (client?.isReady) return client.sendCommand(args)
    return this.#ready(false).then((ready) => ready.sendCommand(args))
  }

  /** Connects, or rejects with the reason; then the attempt ends. */
  async open(): Promise<void> {
    try {
      await this.#ready(true)
    } catch (error) {
      if (this.#waiting.size === 0) this.#drop()?.destroy()
      throw error
    }
  }

  /** Rejects all operations that wait for a connection. */
  refuse(): void {
    this.#isClosed = true
    this.#listener?.onLost()
    this.#rejectWaiting(closedError('RedisBank'))
  }

  close(): void {
    this.#drop()?.destroy()
  }

  /**
   * Called when the server refuses writes: a master that became a replica. Its address may now name another server. The client's own
   * `close` waits for ever for answers of a lost server.
   */
  onReadonly(): void {
    if (Date.now() - this.#replacedAt < REPLACE_INTERVAL) return
    const client = this.#drop()
    if (client === undefined) return
    this.#replacedAt = Date.now()
    client.close().catch(() => {})
    setBackgroundTimeout(() => client.destroy(), REPLACE_INTERVAL)
    this.#ready(false).catch(() => {})
  }

  async #ready(failsFast: boolean): Promise<OwnClient> {
    // Imported on first use: an application with its own client of ioredis does not load node-redis. A busy process may take a
    // second to load it, so the wait for the server begins after that.
    const redis = await import('redis')
    if (this.#isClosed) throw closedError('RedisBank')
    this.#client ??= this.#connect(redis)
    if (this.#client.isReady) return this.#client
    if (!failsFast && this.#failure?.code === 'DATABANK_DENIED') throw this.#failure
    return new Promise((resolve, reject) => {
      const wait = failsFast ? this.#timeout * OPEN_SHARE : (this.#options.offlineWait ?? this.#timeout * OFFLINE_SHARE)
      const waiting: Waiting = { failsFast, resolve, reject }
      this.#waiting.add(waiting)
      setBackgroundTimeout(() => {
        if (!this.#waiting.delete(waiting)) return
        reject(this.#failure ?? new DatabankError('DATABANK_UNAVAILABLE', 'Redis: no connection, or no answer on it'))
      }, wait)
    })
  }

  #rejectWaiting(error: Error, isAffected: (waiting: Waiting) => boolean = () => true): void {
    for (const waiting of this.#waiting) if (isAffected(waiting) && this.#waiting.delete(waiting)) waiting.reject(error)
  }

  #connect(redis: NodeRedis): OwnClient {
    const options = { ...this.#clientOptions(), ...this.#listener?.clientOptions(redis) }
    const client = redis.createClient(options) as unknown as OwnClient
    client.on('error', (error) => this.#onError(client, error))
    client.on('ready', () => this.#onConnected(client))
    this.#checkTimer = this.#startChecks(client)
    // Network problems are events.
    client.connect().catch(() => {})
    return client
  }

  /** The caller's own options win, except those for sending commands. */
  #clientOptions(): object {
    const { url = 'redis://127.0.0.1:6379', clientOptions = {} } = this.#options
    const { socket, ...rest } = clientOptions as { socket?: object }
    const connectTimeout = Math.min(CONNECT_TIMEOUT, this.#timeout * OFFLINE_SHARE)
    return {
      url: url.replace(/^valkey/i, 'redis'),
      disableOfflineQueue: true,
      // The user may lack the rights for these commands, and Redis 6.2 lacks the commands.
      disableClientInfo: true,
      maintNotifications: 'disabled',
      ...rest,
      commandOptions: COMMAND_OPTIONS,
      socket: { connectTimeout, reconnectStrategy, ...socket },
    }
  }

  /**
   * After a silent loss of the connection, the kernel reports no error for a quarter of an hour, and a near cache gets no reports of
   * changes. So a connection in use is checked with a ping. Its answer arrives after the answers to all earlier commands.
   */
  #startChecks(client: OwnClient): ReturnType<typeof setInterval> {
    const { prefix = 'sess:', stallTimeout = this.#timeout } = this.#options
    const interval = Math.min(Math.ceil(stallTimeout / CHECKS), SILENCE)
    let seen = this.#sent
    let unanswered = 0
    const onReply = (): void => {
      unanswered = 0
      // A command that fails because the connection is lost has no answer: then the client is not ready.
      if (client === this.#client && client.isReady && !this.#isClosed) this.#listener?.onAnswer()
    }
    const check = (): void => {
      if (unanswered * interval >= SILENCE) this.#listener?.onLost()
      if (unanswered * interval >= stallTimeout) {
        this.#drop()?.destroy()
        this.#ready(false).catch(() => {})
      } else if (unanswered > 0) unanswered += 1
      else if (client.isReady && (this.#sent !== seen || this.#listener !== undefined)) {
        unanswered = 1
        client.sendCommand(['MGET', prefix]).then(onReply, onReply)
      }
      seen = this.#sent
    }
    return setBackgroundInterval(check, interval)
  }

  #onConnected(client: OwnClient): void {
    if (client !== this.#client || this.#isClosed) return
    this.#failure = undefined
    this.#listener?.onAnswer()
    this.#onReady()
    for (const { resolve } of this.#waiting) resolve(client)
    this.#waiting.clear()
  }

  #onError(client: OwnClient, error: unknown): void {
    if (client !== this.#client) return
    this.#listener?.onLost()
    const failure = redisError(error)
    this.#failure = failure
    this.#rejectWaiting(failure, ({ failsFast }) => failsFast || failure.code === 'DATABANK_DENIED')
    // The caller's own strategy has stopped: the next command connects again.
    if (!client.isOpen) this.#drop()
  }

  /** The next command connects again. Returns the previous client, which is still open. */
  #drop(): OwnClient | undefined {
    const client = this.#client
    this.#client = undefined
    clearInterval(this.#checkTimer)
    this.#listener?.onLost()
    return client
  }
}

/** 25 to 50 ms at first, then up to 500 ms: short for users, and random, so that processes do not reconnect at the same moment. */
function reconnectStrategy(retries: number): number {
  const longest = Math.min(50 * 2 ** Math.min(retries, 10), 500)
  return longest * (0.5 + Math.random() / 2)
}
