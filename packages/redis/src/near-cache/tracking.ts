import { setBackgroundInterval } from 'connect-databank/backend'
import type { ConnectionListener } from '../connection.ts'

/** Is told what changes under the bank's prefix. */
export interface ChangeListener {
  /** From now on it is told of every change. */
  on(): void
  /** No longer: the connection is lost, or silent. */
  off(): void
  /** Somebody else has written, touched or deleted the entry with this id; null: any entry. */
  changed(id: string | null): void
}

/** How often the server is asked for an answer, in milliseconds. If none has come when the next is due, news may be lost. */
const HEARTBEAT = 1_000

/**
 * Has the server report every change under the prefix (RESP3, `CLIENT TRACKING ON BCAST`) on the connection that the bank reads from. So
 * the reports are of the server that is read, and in order with its answers.
 */
export class Tracking implements ConnectionListener {
  readonly #prefix: string
  readonly #listener: ChangeListener
  readonly #ping: () => Promise<unknown>
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param ping asks the server for anything, on the same connection */
  constructor(prefix: string, listener: ChangeListener, ping: () => Promise<unknown>) {
    this.#prefix = prefix
    this.#listener = listener
    this.#ping = ping
  }

  /**
   * The client turns tracking on each time it connects, before it is ready. With NOLOOP the server does not report the last change of
   * this connection to a key, nor what others changed just before it: our own writes drop the entry themselves.
   */
  clientOptions({ BasicClientSideCache }: typeof import('redis')): object {
    const prefix = this.#prefix === '' ? [] : ['PREFIX', this.#prefix]
    const command = ['CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefix, 'NOLOOP']
    const changed = (key: string | Buffer | null): void =>
      this.#listener.changed(key === null ? null : key.toString().slice(this.#prefix.length))
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

  onReady(): void {
    this.#stop()
    const heartbeat = this.#heartbeat(() => timer === this.#timer)
    const timer = setBackgroundInterval(heartbeat, HEARTBEAT)
    this.#timer = timer
    this.#listener.on()
  }

  onLost(): void {
    this.#stop()
    this.#listener.off()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** On a connection whose other end has vanished it looks as if nothing ever changed. */
  #heartbeat(isCurrent: () => boolean): () => void {
    let isAsking = false
    let isAnswered = true
    const ask = async (): Promise<void> => {
      isAsking = true
      try {
        await this.#ping()
        isAnswered = true
        if (isCurrent()) this.#listener.on()
      } catch {
        // Refused, or the connection is lost: no answer.
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
