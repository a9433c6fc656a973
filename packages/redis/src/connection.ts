import { DatabankError } from 'connect-databank'
import { type Client, COMMAND_OPTIONS, type NodeRedisClient, type Words } from './client.ts'
import { closed, failure } from './failures.ts'
import type { RedisBankOptions } from './options.ts'
import type { Tracking } from './tracking.ts'

interface OwnClient extends NodeRedisClient {
  readonly isReady: boolean
  on(event: string, listener: (error: unknown) => void): unknown
  connect(): Promise<unknown>
  close(): Promise<unknown>
  destroy(): void
}

interface Waiting {
  /** Gives up at the first failure to connect. */
  readonly isHasty: boolean
  readonly resolve: (client: OwnClient) => void
  readonly reject: (error: Error) => void
}

/** How long (ms) `open()` waits for a server that takes the connection and then says nothing. */
const OPENING = 5_000
/** How long (ms) an end in good order may take, before the socket is cut. */
const PARTING = 1_000
/** The shortest time (ms) between two restarts. */
const RESTART_INTERVAL = 1_000

/**
 * The connection of a bank that was given a URL: a client of node-redis that connects on first use, and again, for ever, when it
 * is lost. Commands never queue inside the client, where they would outlive the request that sent them: they wait here, for a
 * time, and are turned away at once while the server refuses us.
 */
export class Connection implements Client {
  readonly isCluster = false
  readonly keyPrefix = ''
  readonly #options: RedisBankOptions
  readonly #patience: number
  readonly #waiting = new Set<Waiting>()
  #client: OwnClient | undefined
  #starting: Promise<void> | undefined
  #failure: (Error & { code: string }) | undefined
  #tracking: Tracking | undefined
  #isEnded = false
  #restartedAt = 0

  constructor(options: RedisBankOptions) {
    this.#options = options
    this.#patience = options.offlineWait ?? 2_000
  }

  readonly send = (words: Words): Promise<unknown> => {
    const client = this.#client
    if (client?.isReady) return client.sendCommand(words)
    return this.#ready(false).then((client) => client.sendCommand(words))
  }

  async masters(): Promise<readonly ((words: Words) => Promise<unknown>)[]> {
    return [this.send]
  }

  /** Every connection from now on is a tracked one. */
  track(tracking: Tracking): void {
    this.#tracking = tracking
  }

  /** Connects, or rejects with what stood in the way; then nothing of the attempt goes on. */
  async open(): Promise<void> {
    if (this.#client?.isReady) return
    try {
      await this.#ready(true)
    } catch (error) {
      if (this.#waiting.size === 0) this.#drop()
      throw error
    }
  }

  /**
   * Takes a new client in the place of this one, at most once a second. The old one ends when all that is under way on it is
   * answered, or now: then that is rejected.
   */
  restart(when: 'when all is answered' | 'now'): void {
    if (this.#isEnded || this.#client === undefined || Date.now() - this.#restartedAt < RESTART_INTERVAL) return
    this.#restartedAt = Date.now()
    const client = this.#client
    this.#drop(when === 'now')
    if (when !== 'now') void end(client)
    this.#start()
  }

  async close(): Promise<void> {
    this.#isEnded = true
    this.#tracking?.end()
    this.#rejectWaiting(closed(), () => true)
    const client = this.#client
    this.#client = undefined
    await (client && end(client))
  }

  #ready(isHasty: boolean): Promise<OwnClient> {
    if (this.#isEnded) return Promise.reject(closed())
    if (!isHasty && this.#failure?.code === 'DATABANK_DENIED') return Promise.reject(this.#failure)
    const { promise, resolve, reject } = withResolvers<OwnClient>()
    let timer: NodeJS.Timeout | undefined
    const limit = () => {
      if (!this.#waiting.has(waiting)) return
      timer = setTimeout(() => waiting.reject(this.#unreachable()), isHasty ? OPENING : this.#patience).unref()
    }
    const settle = () => {
      clearTimeout(timer)
      this.#waiting.delete(waiting)
    }
    const waiting: Waiting = {
      isHasty,
      resolve: (client) => {
        settle()
        resolve(client)
      },
      reject: (error) => {
        settle()
        reject(error)
      },
    }
    this.#waiting.add(waiting)
    this.#start()
    // To load the client may take a second of a busy start: that is no time in which the server was silent.
    if (this.#client === undefined) loadClient().then(limit, () => {})
    else limit()
    return promise
  }

  #unreachable(): Error {
    return this.#failure ?? new DatabankError('DATABANK_UNAVAILABLE', 'Redis takes no connection, or says nothing on it')
  }

  #start(): void {
    this.#starting ??= this.#connect().catch((error) => {
      // Only wrong options come here: whatever happens on the network is an event of the client.
      this.#rejectWaiting(failure(error), () => true)
      this.#starting = undefined
    })
  }

  async #connect(): Promise<void> {
    const redis = await loadClient()
    if (this.#isEnded) return
    const options = { ...clientOptions(this.#options), ...this.#tracking?.clientOptions(redis) }
    const client = redis.createClient(options) as unknown as OwnClient
    this.#client = client
    client.on('error', (error) => this.#onError(client, error))
    client.on('ready', () => this.#onReady(client))
    // It ends only when we end it: the strategy never gives up.
    client.connect().catch(() => {})
  }

  #onReady(client: OwnClient): void {
    if (client !== this.#client) return
    this.#failure = undefined
    this.#tracking?.begin()
    for (const waiting of [...this.#waiting]) waiting.resolve(client)
  }

  #onError(client: OwnClient, error: unknown): void {
    if (client !== this.#client) return
    this.#tracking?.end()
    const failed = failure(error)
    this.#failure = failed
    const isDenied = failed.code === 'DATABANK_DENIED'
    this.#rejectWaiting(failed, ({ isHasty }) => isHasty || isDenied)
    // A strategy of the caller's gave up: the next command begins anew.
    if (!client.isOpen) this.#drop()
  }

  #rejectWaiting(error: Error, which: (waiting: Waiting) => boolean): void {
    for (const waiting of [...this.#waiting]) if (which(waiting)) waiting.reject(error)
  }

  #drop(cut = true): void {
    const client = this.#client
    this.#tracking?.end()
    this.#client = undefined
    this.#starting = undefined
    if (cut && client?.isOpen) client.destroy()
  }
}

let loading: Promise<typeof import('redis')> | undefined

/** Imported on first use, so that whoever hands in a client of ioredis does not load node-redis. */
function loadClient(): Promise<typeof import('redis')> {
  loading ??= import('redis')
  return loading
}

/** What node-redis is told. The caller's own options win, but for how our commands are sent. */
function clientOptions({ url = 'redis://127.0.0.1:6379', clientOptions = {} }: RedisBankOptions): object {
  const { socket, ...rest } = clientOptions as { socket?: object }
  return {
    url,
    disableOfflineQueue: true,
    // Commands that a user with few rights may not give, or that Redis 6.2 does not know.
    disableClientInfo: true,
    maintNotifications: 'disabled',
    ...rest,
    commandOptions: COMMAND_OPTIONS,
    socket: { connectTimeout: 2_000, reconnectStrategy, ...socket },
  }
}

/** 25 to 50 ms at first, then up to 500 ms: soon enough for the users, and not all processes at the same moment. */
function reconnectStrategy(retries: number): number {
  const longest = Math.min(50 * 2 ** Math.min(retries, 10), 500)
  return longest * (0.5 + Math.random() / 2)
}

/** Ends a client in good order, but soon: its own close waits for ever for the replies of a server that is gone. */
async function end(client: OwnClient): Promise<void> {
  if (!client.isOpen) return
  const { promise, resolve } = withResolvers<void>()
  const timer = setTimeout(resolve, PARTING)
  client.close().then(
    () => resolve(),
    () => resolve(),
  )
  await promise
  clearTimeout(timer)
  client.destroy()
}

function withResolvers<Value>() {
  let resolve!: (value: Value) => void
  let reject!: (error: Error) => void
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
