/**
 * How long (ms) a batch keeps others waiting: one that takes longer loses its place, for it may be hung. And where the way to the
 * backend takes longer, to wait for an answer would only make it twice as long.
 */
const PATIENCE = 4
/**
 * While any batch is under way, fewer items than this wait: until there are as many, or all is answered. Two small batches side by
 * side cost backend and client more than one of both does, and neither comes sooner.
 */
const FEW = 16

/** How large batches become, and how many there are at a time. */
export interface BatchLimits<Item> {
  /** How many batches may be under way at a time. Default: 4. */
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
    this.#limits = { underWay: 4, items: 128, weightOf: () => 0, weight: Infinity, ...limits }
  }

  add(item: Item): void {
    this.#waiting.push(item)
    if (this.#mayLeave()) this.#leaveSoon()
    else this.#patience ??= this.#startPatience()
  }

  isWaiting(isIt: (item: Item) => boolean): boolean {
    return this.#waiting.some(isIt)
  }

  /** Sends all that wait, whatever is under way. */
  leave(): void {
    while (this.#waiting.length > 0) this.#depart(this.#take())
    this.#stopPatience()
  }

  #mayLeave(): boolean {
    return this.#underWay === 0 || (this.#underWay < this.#limits.underWay && this.#waiting.length >= FEW)
  }

  #leaveIfItMay(): void {
    if (!this.#mayLeave()) return
    while (this.#waiting.length > 0 && this.#mayLeave()) this.#depart(this.#take())
    this.#stopPatience()
    if (this.#waiting.length > 0) this.#patience = this.#startPatience()
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
      this.#leaveIfItMay()
    })
  }

  #startPatience(): NodeJS.Timeout {
    const end = (): void => {
      if (this.#patience !== patience) return
      this.#round += 1
      this.#underWay = 0
      this.#leaveIfItMay()
    }
    // What was answered while the loop was busy is heard first.
    const patience = setTimeout(() => setImmediate(end), PATIENCE).unref()
    return patience
  }

  #stopPatience(): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
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
