/** How many batches may be under way before what comes waits for one of them to end. */
const UNDER_WAY = 4
/** The most that goes out as one, in items and in what they weigh together. */
const ITEMS = 128
const WEIGHT = 4 * 1024 * 1024
/** How long (ms) a batch keeps others waiting: one that takes longer may be hung. */
const PATIENCE = 10

/** Items that arrive together, or while others are under way, and then go out as one batch. */
export class Batches<Item extends { readonly weight: number }> {
  readonly #send: (items: readonly Item[]) => Promise<void>
  #waiting: Item[] = []
  #underWay = 0
  /** A new round begins when patience ends: batches of earlier ones hold no place any more. */
  #round = 0
  #leavesSoon = false
  #patience: NodeJS.Timeout | undefined

  /** @param send may not reject */
  constructor(send: (items: readonly Item[]) => Promise<void>) {
    this.#send = send
  }

  add(item: Item): void {
    this.#waiting.push(item)
    if (this.#underWay < UNDER_WAY) this.#leaveSoon()
    else this.#patience ??= this.#startPatience()
  }

  /** When the current callback of the loop has ended, and with it whatever else it asks for. */
  #leaveSoon(): void {
    if (this.#leavesSoon) return
    this.#leavesSoon = true
    process.nextTick(() => {
      this.#leavesSoon = false
      this.#leave()
    })
  }

  #leave(): void {
    while (this.#waiting.length > 0 && this.#underWay < UNDER_WAY) this.#depart(this.#take())
    clearTimeout(this.#patience)
    this.#patience = this.#waiting.length > 0 ? this.#startPatience() : undefined
  }

  #startPatience(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#round += 1
      this.#underWay = 0
      this.#leave()
    }, PATIENCE).unref()
  }

  #take(): Item[] {
    let [count, weight] = [0, 0]
    for (const item of this.#waiting) {
      weight += item.weight
      if (count === ITEMS || (count > 0 && weight > WEIGHT)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #depart(items: readonly Item[]): void {
    const round = this.#round
    this.#underWay += 1
    this.#send(items).then(() => {
      if (round !== this.#round) return
      this.#underWay -= 1
      if (this.#waiting.length > 0) this.#leaveSoon()
    })
  }
}
