import { type Age, KEYS } from './plan.ts'

/** The parts of a session in a history: its keys, its owner and the age of its cookie. */
export const FIELDS = [...KEYS, 'owner', 'age'] as const
export type Field = (typeof FIELDS)[number]

/** The value of each field. A missing key is undefined. */
export type Values = Readonly<Partial<Record<Field, number | string | undefined>>>

/** A session as a store returned it. */
export interface Found {
  readonly values: Values
  readonly expires: number | undefined
}

/** A call of a store, and its result. Its times are ticks of the history's own clock. */
export interface Operation {
  readonly kind:
    | 'create'
    | 'create again'
    | 'update'
    | 'touch'
    | 'destroy'
    | 'get'
    | 'clean up'
    | 'list sessions'
    | 'end sessions'
  /** The number of the request; undefined for the calls before and after all requests. */
  readonly request: number | undefined
  readonly store: number
  /** The session; empty for operations on several. */
  readonly sid: string
  readonly begin: number
  /** When it began and ended, in epoch milliseconds. */
  readonly beganAt: number
  end: number
  endedAt: number
  outcome: 'pending' | 'done' | 'failed'
  error?: unknown
  /** How often the store called back. */
  callbacks: number
  /** The fields that it writes. A create writes all, an update those that its request changed, a touch the age if that changed. */
  readonly values?: Values
  /**
   * The fields of `values` that the operation may not write, because an earlier write of the same request, with an unknown result when this
   * one began, may have written them already.
   */
  readonly unsure?: ReadonlySet<Field>
  /** The expiry that it writes, in epoch milliseconds. */
  readonly expires?: number
  /**
   * Whether the request changed the age of its cookie, or its expiry to a sooner date. Undefined: it depends on the unknown result of
   * an earlier write.
   */
  readonly changesAge?: boolean | undefined
  /** The owner of the sessions that it lists or ends. */
  readonly owner?: string
  /** The session that it does not end. */
  readonly except?: string | undefined
  /** The result of a get; null if the session is missing. */
  found?: Found | null
  /** The result of a list, by session id. */
  listed?: ReadonlyMap<string, Found>
}

/** How far apart the ages are that requests choose, in milliseconds: more than clocks differ. */
const AGE_STEP = 1_000
const HOUR = 3_600_000

/** What happened in one history, in order. */
export class History {
  readonly operations: Operation[] = []
  /** The calls of the bank, to make a failure readable. */
  readonly notes: { readonly tick: number; readonly call: { method: string; sid: string }; readonly isReturned: boolean }[] = []
  /** Errors that must not happen at all, such as an exception in the history's own code. */
  readonly failures: unknown[] = []
  /** Called whenever something has ended. */
  onChange: () => void = () => {}
  readonly #name: string
  readonly #lastExpiries = new Map<number, number>()
  #tick = 0
  #sids = 0
  #values = 0
  #ages = 0

  /** @param name the beginning of the ids of its sessions and of its owners */
  constructor(name: string) {
    this.#name = name
  }

  /** An id that no session has had. */
  newSid(): string {
    return `${this.#name}.${this.#sids++}`
  }

  /** The owner of this name, in this history. */
  ownerOf(name: string): string {
    return `${this.#name}.${name}`
  }

  /** A value that no operation has written. */
  newValue(): number {
    return ++this.#values
  }

  /** The age of a cookie in milliseconds. Long ones differ, so that a found age tells which request wrote it. */
  newAge(age: Age): number {
    if (age === 'long') return HOUR + AGE_STEP * this.#ages++
    return age === 'short' ? 3 : -AGE_STEP
  }

  /**
   * When a session with this age expires. No two operations write the same expiry for one age, and a later operation writes a later
   * one: the course of a history must not depend on how many operations run within a millisecond.
   */
  newExpiry(age: number): number {
    const expires = Math.max(Date.now() + age, (this.#lastExpiries.get(age) ?? 0) + 1)
    this.#lastExpiries.set(age, expires)
    return expires
  }

  begin(operation: Pick<Operation, 'kind' | 'request' | 'store' | 'sid'> & Partial<Operation>): Operation {
    const { kind, request, store, sid, values, unsure, expires, changesAge, owner, except } = operation
    // All fields, always in this order: a history makes many of these, and the rules read them often.
    const begun = {
      kind,
      request,
      store,
      sid,
      values,
      unsure,
      expires,
      changesAge,
      owner,
      except,
      begin: ++this.#tick,
      beganAt: Date.now(),
      end: Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      callbacks: 0,
    } as Operation
    this.operations.push(begun)
    return begun
  }

  /** The store has called back. Returns whether it was the first time. */
  end(operation: Operation, error: unknown): boolean {
    if (++operation.callbacks > 1) return false
    operation.end = ++this.#tick
    operation.endedAt = Date.now()
    operation.outcome = error ? 'failed' : 'done'
    if (error) operation.error = error
    this.onChange()
    return true
  }

  /** A call of the bank has happened, or its result was returned. */
  note(call: { readonly method: string; readonly sid: string }, isReturned: boolean): void {
    this.notes.push({ tick: ++this.#tick, call, isReturned })
  }

  get tick(): number {
    return this.#tick
  }
}
