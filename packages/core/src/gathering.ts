import { Batches } from './batches.ts'
import { coded, DatabankError, type ErrorCode } from './errors.ts'
import { TransientMap } from './transient-map.ts'

/** Failures of the whole backend: to ask it again for each member of a batch would only burden it more. */
const OF_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABANK_UNAVAILABLE',
  'DATABANK_TIMEOUT',
  'DATABANK_DENIED',
  'DATABANK_FULL',
  'DATABANK_CLOSED',
])

interface Waiting<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Operations of one kind that gather while others are under way, and then go out as one request. */
export class Gathering<Item, Answer> {
  readonly #one: (item: Item) => Promise<Answer>
  readonly #many: (items: readonly Item[]) => Promise<readonly Answer[]>
  readonly #batches = new Batches<Waiting<Item, Answer>>((batch) => this.#send(batch))
  /** The answers to what waits, for equal items to share: two strings may be equal, two objects never are. */
  readonly #shared = new TransientMap<Item, Promise<Answer>>()

  /** `many` gives the answers where their items stood, and must bear that an item is asked for again if it fails. */
  constructor(one: (item: Item) => Promise<Answer>, many: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#one = one
    this.#many = many
  }

  ask(item: Item): Promise<Answer> {
    const isShared = typeof item === 'string'
    const same = isShared ? this.#shared.get(item) : undefined
    if (same !== undefined) return same

    let resolve!: (answer: Answer) => void
    let reject!: (error: unknown) => void
    const answer = new Promise<Answer>((yes, no) => {
      resolve = yes
      reject = no
    })
    if (isShared) this.#shared.set(item, answer)
    this.#batches.add({ item, resolve, reject })
    return answer
  }

  isWaiting(isIt: (item: Item) => boolean): boolean {
    return this.#batches.isWaiting(({ item }) => isIt(item))
  }

  /** Sends all that wait, whatever is under way. */
  leave(): void {
    this.#batches.leave()
  }

  #send(batch: readonly Waiting<Item, Answer>[]): Promise<unknown> {
    for (const { item } of batch) this.#shared.delete(item)
    return batch.length === 1 ? this.#alone(batch[0]!) : this.#together(batch)
  }

  async #together(batch: readonly Waiting<Item, Answer>[]): Promise<unknown> {
    try {
      const answers = await this.#many(batch.map(({ item }) => item))
      if (answers.length !== batch.length) throw new Error(`${batch.length} operations got ${answers.length} answers`)
      for (let place = 0; place < batch.length; place++) batch[place]!.resolve(answers[place] as Answer)
    } catch (error) {
      const failure = coded(error)
      if (!OF_ALL.has(failure.code)) return Promise.all(batch.map((waiting) => this.#alone(waiting)))
      // An error of its own for each: whoever gets one may write on it.
      for (const { reject } of batch) reject(new DatabankError(failure.code, failure.message, { cause: failure }))
    }
  }

  async #alone({ item, resolve, reject }: Waiting<Item, Answer>): Promise<void> {
    try {
      resolve(await this.#one(item))
    } catch (error) {
      reject(error)
    }
  }
}
