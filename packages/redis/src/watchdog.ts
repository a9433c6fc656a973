/** How often it looks in the time that it grants. */
const LOOKS = 4

/**
 * Calls `onSilence` when commands wait and the server has answered none for as long as `limit` milliseconds. A connection whose
 * other end has vanished without a word looks healthy to the kernel for a quarter of an hour.
 */
export class Watchdog {
  readonly #timer: NodeJS.Timeout
  #answers = 0

  constructor(limit: number, { pending, onSilence }: { pending: () => number; onSilence: () => void }) {
    let seen = 0
    let silent = 0
    const look = () => {
      silent = pending() > 0 && seen === this.#answers ? silent + 1 : 0
      seen = this.#answers
      if (silent < LOOKS) return
      silent = 0
      onSilence()
    }
    this.#timer = setInterval(look, Math.ceil(limit / LOOKS)).unref()
  }

  heard(): void {
    this.#answers += 1
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
