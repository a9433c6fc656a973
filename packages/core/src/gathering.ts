import { coded, DatabankError, type ErrorCode } from './errors.ts'

/** How many requests may be under way before the next operations wait for an answer and go out together. */
const UNDER_WAY = 2
/** The most operations that go out as one request. */
const BATCH = 128
/** How long (ms) operations wait for an answer to others: a request that takes longer loses its place, for it may be hung. */
const PATIENCE = 10

/** Failures of the whole backend: to ask it again for each member of a batch would only burden it more. */
const OF_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABANK_UNAVAILABLE',
  'DATABANK_TIMEOUT',
  'DATABANK_DENIED',
  'DATABANK_FULL',
  'DATABANK_CLOSED',
])

interface Waiting<Answer> {
  readonly answer: Promise<Answer>
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Operations of one kind that gather while others are under way, and then go out as one request. */
export class Gathering<Item, Answer> {
  readonly #one: (item: Item) => Promise<Answer>
  readonly #many: (items: readonly Item[]) => Promise<readonly Answer[]>
  /** Equal items share one answer: two strings may be equal, two objects never are. */
  #waiting = new Map<Item, Waiting<Answer>>()
  #underWay = 0
  /** A new round begins when patience ends: requests of earlier ones hold no place any more. */
  #round = 0
  #leavesSoon = false
  #patience: NodeJS.Timeout | undefined

  /** `many` gives the answers where their items stood, and must bear that an item is asked for again if it fails. */
  constructor(one: (item: Item) => Promise<Answer>, many: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#one = one
    this.#many = many
  }

  ask(item: Item): Promise<Answer> {
    const same = this.#waiting.get(item)
    if (same !== undefined) return same.answer

    let resolve!: (answer: Answer) => void
    let reject!: (error: unknown) => void
    const answer = new Promise<Answer>((yes, no) => {
      resolve = yes
      reject = no
    })
    this.#waiting.set(item, { answer, resolve, reject })
    if (this.#underWay < UNDER_WAY) this.#leaveSoon()
    else this.#patience ??= this.#startPatience()
    return answer
  }

  isWaiting(isIt: (item: Item) => boolean): boolean {
    for (const item of this.#waiting.keys()) if (isIt(item)) return true
    return false
  }

  /** Sends all that wait, whatever is under way. */
  leave(): void {
    this.#leaveUpTo(Number.POSITIVE_INFINITY)
  }

  #leaveUpTo(underWay: number): void {
    while (this.#waiting.size > 0 && this.#underWay < underWay) this.#send(this.#take())
    clearTimeout(this.#patience)
    this.#patience = this.#waiting.size > 0 ? this.#startPatience() : undefined
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
      this.#leaveUpTo(UNDER_WAY)
    })
  }

  #startPatience(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#round += 1
      this.#underWay = 0
      this.#leaveUpTo(UNDER_WAY)
    }, PATIENCE).unref()
  }

  #take(): Map<Item, Waiting<Answer>> {
    const all = this.#waiting
    this.#waiting = new Map()
    if (all.size <= BATCH) return all
    const batch = new Map<Item, Waiting<Answer>>()
    for (const [item, waiting] of all) (batch.size < BATCH ? batch : this.#waiting).set(item, waiting)
    return batch
  }

  #send(batch: Map<Item, Waiting<Answer>>): void {
    const end = this.#begin()
    const sent = batch.size === 1 ? this.#singly(batch) : this.#together(batch)
    sent.then(end, end)
  }

  /** Takes a place; what it gives frees it. */
  #begin(): () => void {
    const round = this.#round
    this.#underWay += 1
    return () => {
      if (round !== this.#round) return
      this.#underWay -= 1
      if (this.#waiting.size > 0) this.#leaveSoon()
    }
  }

  async #together(batch: Map<Item, Waiting<Answer>>): Promise<void> {
    try {
      const answers = await this.#many([...batch.keys()])
      if (answers.length !== batch.size) throw new Error(`${batch.size} operations got ${answers.length} answers`)
      let place = 0
      for (const { resolve } of batch.values()) resolve(answers[place++] as Answer)
    } catch (error) {
      const failure = coded(error)
      if (!OF_ALL.has(failure.code)) return this.#singly(batch)
      // An error of its own for each: whoever gets one may write on it.
      for (const { reject } of batch.values()) reject(new DatabankError(failure.code, failure.message, { cause: failure }))
    }
  }

  async #singly(batch: Map<Item, Waiting<Answer>>): Promise<void> {
    const asked = [...batch].map(async ([item, { resolve, reject }]) => {
      try {
        resolve(await this.#one(item))
      } catch (error) {
        reject(error)
      }
    })
    await Promise.all(asked)
  }
}
