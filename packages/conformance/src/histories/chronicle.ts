import type { Key } from './plan.ts'

/** The data of a session as a history sees it: what each key holds. A missing key is undefined. */
export type Values = Readonly<Partial<Record<Key, number | undefined>>>

/** Something that was asked of a store, and what came of it. Its times are ticks of the history's own clock. */
export interface Operation {
  readonly kind: 'create' | 'create again' | 'update' | 'touch' | 'destroy' | 'get' | 'clean up'
  /** Who asked; undefined for the looks at the end. */
  readonly request: number | undefined
  readonly store: number
  readonly sid: string
  readonly begin: number
  /** The same moments by the computer's clock. */
  readonly beganAt: number
  end: number
  endedAt: number
  outcome: 'pending' | 'done' | 'failed'
  error?: unknown
  /** How often the store called back. */
  answers: number
  /** Of a create, what all keys held; of an update, what the changed keys hold. */
  readonly values?: Values
  /** Of an update: the changed keys that may have been written by an earlier one, under way when this one began, instead. */
  readonly unsure?: ReadonlySet<Key>
  /** Of what is written: when the session is to die. */
  readonly expires?: number
  /** Of an update or a touch: what others had written by then, its request has seen. */
  readonly knownSince?: number
  /** Of a touch: whether it may leave alone a longer life that others have given the session. */
  readonly isYielding?: boolean
  /** Of a get: what it gave; null if the session is missing. */
  found?: { readonly values: Values; readonly expires: number | undefined } | null
}

/** What happened in one history, in order. */
export class Chronicle {
  readonly operations: Operation[] = []
  /** What became of the calls of the bank, to make a failure readable. */
  readonly remarks: { readonly tick: number; readonly call: { method: string; sid: string }; readonly isAnswered: boolean }[] = []
  /** What must not happen at all, such as an exception in the store's own code. */
  readonly failures: unknown[] = []
  #tick = 0
  #sids = 0
  #values = 0
  readonly #deaths = new Map<number, number>()
  readonly #name: string
  /** Called whenever something has ended. */
  onChange: () => void = () => {}

  /** @param name what the ids of its sessions begin with */
  constructor(name: string) {
    this.#name = name
  }

  /** An id that no session has had. */
  newSid(): string {
    return `${this.#name}.${this.#sids++}`
  }

  /** A value that nobody has written. */
  newValue(): number {
    return ++this.#values
  }

  /**
   * When a session dies that is to live for so many milliseconds from now on. Of the same age, none dies when another does, and who is
   * asked for later dies later: what happens must not depend on how many operations find room in a millisecond.
   */
  newDeath(age: number): number {
    const death = Math.max(Date.now() + age, (this.#deaths.get(age) ?? 0) + 1)
    this.#deaths.set(age, death)
    return death
  }

  begin(operation: Pick<Operation, 'kind' | 'request' | 'store' | 'sid'> & Partial<Operation>): Operation {
    const { kind, request, store, sid, values, unsure, expires, knownSince, isYielding } = operation
    // All fields, always in this order: a history makes many of these, and they are looked at often.
    const begun = {
      kind,
      request,
      store,
      sid,
      values,
      unsure,
      expires,
      knownSince,
      isYielding,
      begin: ++this.#tick,
      beganAt: Date.now(),
      end: Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      answers: 0,
    } as Operation
    this.operations.push(begun)
    return begun
  }

  /** The store has called back. Answers whether it was the first time. */
  answered(operation: Operation, error: unknown): boolean {
    if (++operation.answers > 1) return false
    operation.end = ++this.#tick
    operation.endedAt = Date.now()
    operation.outcome = error ? 'failed' : 'done'
    if (error) operation.error = error
    this.onChange()
    return true
  }

  /** A call of the bank has happened, or was answered. */
  remark(call: { readonly method: string; readonly sid: string }, isAnswered: boolean): void {
    this.remarks.push({ tick: ++this.#tick, call, isAnswered })
  }

  get tick(): number {
    return this.#tick
  }
}
