import { idOf } from './keys.ts'

/** Hears of what changes in the bank's place. */
export interface ChangeListener {
  /** From now on it hears of every change. */
  on(): void
  /** No longer: the connection is lost, or says nothing. */
  off(): void
  /** Somebody else has written, touched or removed what is under this id; null: under any. */
  changed(id: string | null): void
}

/** How often (ms) the server is asked for a sign of life: when the next is due and none has come, news may be lost. */
const HEARTBEAT = 1_000

/**
 * Has the server tell of every change under the prefix (RESP3, `CLIENT TRACKING ON BCAST`), on the connection by which the bank
 * reads: so who reads from a server hears of its changes and no other's, and in their order among the answers.
 */
export class Tracking {
  readonly #prefix: string
  readonly #listener: ChangeListener
  readonly #ask: () => Promise<unknown>
  #timer: NodeJS.Timeout | undefined

  /** `ask` asks the server for anything, by that connection. */
  constructor(prefix: string, listener: ChangeListener, ask: () => Promise<unknown>) {
    this.#prefix = prefix
    this.#listener = listener
    this.#ask = ask
  }

  /**
   * What a client is to be told. It turns tracking on each time it connects, before it says that it is ready. NOLOOP: not told of
   * what this very connection did last to a key, even if another one changed it just before; our own writes forget by themselves.
   */
  clientOptions({ BasicClientSideCache }: typeof import('redis')): object {
    const command = ['CLIENT', 'TRACKING', 'ON', 'BCAST', ...(this.#prefix === '' ? [] : ['PREFIX', this.#prefix]), 'NOLOOP']
    const changed = (key: string | Buffer | null): void =>
      this.#listener.changed(key === null ? null : idOf(this.#prefix, key.toString()))
    class Broadcast extends BasicClientSideCache {
      override trackingOn(): string[] {
        return command
      }

      override invalidate(key: string | Buffer | null): void {
        changed(key)
      }
    }
    return { clientSideCache: new Broadcast() }
  }

  /** The connection is there. */
  begin(): void {
    this.#stop()
    const timer: NodeJS.Timeout = setInterval(
      this.#heartbeat(() => timer === this.#timer),
      HEARTBEAT,
    ).unref()
    this.#timer = timer
    this.#listener.on()
  }

  /** It is lost, or given up. */
  end(): void {
    this.#stop()
    this.#listener.off()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** A connection whose other end has vanished looks as if nothing ever changed. */
  #heartbeat(isOurs: () => boolean): () => void {
    let isAsking = false
    let isAnswered = true
    const ask = async () => {
      isAsking = true
      try {
        await this.#ask()
        isAnswered = true
        if (isOurs()) this.#listener.on()
      } catch {
        // It was refused, or the connection is lost: no sign of life.
      } finally {
        isAsking = false
      }
    }
    return () => {
      if (!isAnswered) this.#listener.off()
      if (isAsking) return
      isAnswered = false
      void ask()
    }
  }
}
