/** How long (ms) a batch keeps others waiting: one that takes longer loses its place, for it may be hung. */
const PATIENCE = 10

/** How large batches become, and how many there are at a time. */
export interface BatchLimits<Item> {
  /** How many batches may be under way before what comes waits for one of them to end. Default: 2. */
  readonly underWay?: number
  /** The most items that go out as one. Default: 128. */
  readonly items?: number
  /** What items weigh, and the most that goes out as one, unless a single item weighs more. Default: nothing. */
  readonly weightOf?: (item: Item) => number
  readonly weight?: number
}

/** Items that come in together, or while others are under way, and then go out as one batch. A lone one is not delayed. */
export class Batches<Item> {
  readonly #send: (items: readonly Item[]) => Promise<unknown>
  readonly #limits: Required<BatchLimits<Item>>
  #waiting: Item[] = []
  #underWay = 0
  /** A new round begins when patience ends: batches of earlier ones hold no place any more. */
  #round = 0
  #leavesSoon = false
  #patience: NodeJS.Timeout | undefined

  constructor(send: (items: readonly Item[]) => Promise<unknown>, limits: BatchLimits<Item> = {}) {
    this.#send = send
    this.#limits = { underWay: 2, items: 128, weightOf: () => 0, weight: Infinity, ...limits }
  }

  add(item: Item): void {
    this.#waiting.push(item)
    if (this.#underWay < this.#limits.underWay) this.#leaveSoon()
    else this.#patience ??= this.#startPatience()
  }

  isWaiting(isIt: (item: Item) => boolean): boolean {
    return this.#waiting.some(isIt)
  }

  /** Sends all that wait, whatever is under way. */
  leave(): void {
    this.#leaveUpTo(Number.POSITIVE_INFINITY)
  }

  #leaveUpTo(underWay: number): void {
    while (this.#waiting.length > 0 && this.#underWay < underWay) this.#depart(this.#take())
    clearTimeout(this.#patience)
    this.#patience = this.#waiting.length > 0 ? this.#startPatience() : undefined
  }

  /**
   * When the current callback of the loop has ended, and with it the callbacks of all that it answered: clients answer in one
   * callback what came in one packet. Not later: what a client sends in this turn travels together.
   */
  #leaveSoon(): void {
    if (this.#leavesSoon) return
    this.#leavesSoon = true
    process.nextTick(() => {
      this.#leavesSoon = false
      this.#leaveUpTo(this.#limits.underWay)
    })
  }

  #startPatience(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#round += 1
      this.#underWay = 0
      this.#leaveUpTo(this.#limits.underWay)
    }, PATIENCE).unref()
  }

  #take(): Item[] {
    const { items, weightOf, weight } = this.#limits
    let [count, sum] = [0, 0]
    for (const item of this.#waiting) {
      sum += weightOf(item)
      if (count === items || (count > 0 && sum > weight)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #depart(items: readonly Item[]): void {
    const round = this.#round
    const end = (): void => {
      if (round !== this.#round) return
      this.#underWay -= 1
      if (this.#waiting.length > 0) this.#leaveSoon()
    }
    this.#underWay += 1
    this.#send(items).then(end, end)
  }
}
