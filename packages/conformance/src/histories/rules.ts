import type { Operation } from './chronicle.ts'
import { type Key, keys } from './plan.ts'

/** Under which circumstances a history took place. */
export interface Circumstances {
  /** Whether an operation may fail: because of a fault that the history asked for. */
  readonly mayFail: boolean
  /** Whether what has failed may still happen afterwards: a call that was given up is under way. */
  readonly mayHappenLate: boolean
  /** How far the clocks that judge who is dead may be apart, in milliseconds. */
  readonly clocks: number
  /** By how much stores may round the time of death, in milliseconds: some count in seconds. */
  readonly rounding: number
}

/** Something that must not be, in words, and the operation that shows it. */
export interface Violation {
  readonly words: string
  readonly operation: Operation | undefined
}

type Write = Operation & { expires: number }

/**
 * What must hold of all that happened to one session, whatever the order in which parallel operations took effect:
 *
 * - A key holds what was written there and not overwritten since. Every write is a value of its own, so what is found tells who
 *   wrote it. An update writes the keys that its request changed, and no other; so does a first save that is made again because the
 *   one before has failed: that may have happened, and others have changed other keys since.
 * - Nothing destroyed is alive, and nobody's late write brings it back.
 * - Nothing expired is given.
 * - Nothing is missing that was stored, not destroyed and not expired.
 *
 * What ended before something else began has taken effect before it. Of what failed it is not known whether it has.
 */
export class Rules {
  readonly #operations: readonly Operation[]
  readonly #mayHappenLate: boolean
  readonly #clocks: number
  readonly #rounding: number
  readonly #creates: readonly Operation[]
  readonly #updates: readonly Operation[]
  /** Those that may meet what others have written. */
  readonly #merging: readonly Operation[]
  readonly #destroys: readonly Operation[]
  readonly #writes: readonly Write[]
  /** Before this time nobody can be dead: most histories end before it comes. */
  readonly #firstDeath: number

  /** @param operations all of one session's */
  constructor(operations: readonly Operation[], { mayHappenLate, clocks, rounding }: Circumstances) {
    const ofKind = (...kinds: Operation['kind'][]) => operations.filter(({ kind }) => kinds.includes(kind))
    this.#operations = operations
    this.#mayHappenLate = mayHappenLate
    this.#clocks = clocks
    this.#rounding = rounding
    this.#creates = ofKind('create', 'create again')
    this.#updates = ofKind('update')
    this.#merging = ofKind('create again', 'update')
    this.#destroys = ofKind('destroy')
    this.#writes = ofKind('create', 'create again', 'update', 'touch') as Write[]
    this.#firstDeath = Math.min(...this.#writes.map(({ expires }) => expires))
  }

  /** The first violation, or undefined. */
  violation(): Violation | undefined {
    for (const get of this.#operations) {
      if (get.kind !== 'get' || get.outcome !== 'done') continue
      const words = get.found === null ? this.#isMissing(get) : (this.#isBack(get) ?? this.#isWrong(get))
      if (words !== undefined) return { words, operation: get }
    }
    return undefined
  }

  /** Whether `first` had taken effect, if it ever does, when `second` began. */
  #before(first: Operation, second: Operation): boolean {
    return this.#endedBefore(first, second.begin)
  }

  #endedBefore({ end, outcome }: Operation, tick: number): boolean {
    return end < tick && !(outcome === 'failed' && this.#mayHappenLate)
  }

  /** Nothing is found: was there surely something? */
  #isMissing(get: Operation): string | undefined {
    const created = this.#creates.find((create) => create.outcome === 'done' && this.#before(create, get))
    if (created === undefined) return undefined
    // A session that is created again may have been created by the attempt that failed, and destroyed since: then it stays away.
    const mayBeDropped = created.kind === 'create again'
    if (this.#destroys.some((destroy) => destroy.begin < get.end && (mayBeDropped || !this.#before(destroy, created))))
      return undefined
    if (this.#mayHaveExpired(get)) return undefined
    return 'a session is missing that was stored, not destroyed and has not expired'
  }

  /** Whether the session may look dead to this operation, because its time has come or comes meanwhile. */
  #mayHaveExpired(operation: Operation): boolean {
    if (operation.endedAt + this.#clocks < this.#firstDeath) return false
    return this.#begunBefore(operation.end).some(
      (write) => write.expires <= operation.endedAt + this.#clocks && !this.#wasProlonged(write, operation),
    )
  }

  /** Whether a later write, which ended while this one's session surely lived, has moved the death. */
  #wasProlonged(write: Write, operation: Operation): boolean {
    return this.#writes.some(
      (later) =>
        later.outcome === 'done' &&
        later.expires > operation.endedAt + this.#clocks &&
        later.endedAt + this.#clocks < write.expires &&
        this.#before(write, later) &&
        this.#before(later, operation),
    )
  }

  /** Something is found: may it be alive? */
  #isBack(get: Operation): string | undefined {
    const gone = this.#destroys.find(
      (destroy) =>
        destroy.outcome === 'done' &&
        this.#before(destroy, get) &&
        this.#creates.every((create) => create.begin > get.end || this.#before(create, destroy)),
    )
    if (gone !== undefined) return 'a session is alive that was destroyed'
    if (this.#isSurelyDead(get.begin, get.end, get.beganAt)) return 'a session is given that has expired'
    return undefined
  }

  /** Whether, whatever took effect, the session was dead at `now`: looked at from `begin` on, by what began before `end`. */
  #isSurelyDead(begin: number, end: number, now: number): boolean {
    if (now < this.#firstDeath) return false
    const writes = this.#begunBefore(end)
    if (!writes.some((write) => write.end < begin && write.outcome === 'done')) return false
    return writes.every((write) => write.expires + this.#clocks <= now || this.#wasReplaced(write, begin))
  }

  /** Whether the death that this write set was surely replaced by a later write's, which ended before `begin`. */
  #wasReplaced(write: Write, begin: number): boolean {
    return this.#writes.some(
      (later) =>
        later !== write &&
        later.outcome === 'done' &&
        later.end < begin &&
        this.#before(write, later) &&
        !this.#mayBeRepeated(write, later, later.begin) &&
        (!this.#mayYield(later) || write.expires <= later.expires || this.#wasKnown(write, later)),
    )
  }

  /** Whether a longer life that others have given the session may outlast this write: it may meet their update, and asks for none. */
  #mayYield(write: Write): boolean {
    return write.isYielding === true || this.#merging.includes(write)
  }

  /**
   * Whether the request of `later` has known the death that `write` set: it yields to none but what has come since. Of its own writes it
   * surely knows the one that made the session; a later one's may be kept in a merge, as if it were another's.
   */
  #wasKnown(write: Write, later: Write): boolean {
    const isItsCreate = write.request === later.request && write.outcome === 'done' && this.#creates.includes(write)
    const since = isItsCreate ? write.end : later.knownSince
    return since !== undefined && write.end <= since && !this.#mayBeRepeated(write, later, since)
  }

  /** Whether an update that had not ended at `since`, and began before `later` had ended, may have met `write` and kept its death. */
  #mayBeRepeated(write: Write, later: Write, since: number): boolean {
    return this.#merging.some(
      (update) => update !== write && update !== later && !this.#endedBefore(update, since) && !this.#before(later, update),
    )
  }

  /** The writes that may have had an effect by then: nothing moves the death of the dead. */
  #begunBefore(end: number): Write[] {
    return this.#writes.filter(
      (write) =>
        write.begin < end && (this.#creates.includes(write) || !this.#isSurelyDead(write.begin, write.begin, write.beganAt)),
    )
  }

  /** Does each key hold what it should, and the cookie? */
  #isWrong(get: Operation): string | undefined {
    const { values, expires } = get.found!
    for (const key of keys) {
      const value = values[key]
      const sources = [...this.#creates, ...this.#updates].filter(
        (write) => write.begin < get.end && touches(write, key) && write.values![key] === value,
      )
      const said = value === undefined ? `key ${key} is missing` : `key ${key} holds ${value}`
      if (sources.length === 0) return `${said}, which nobody wrote`
      if (sources.every((source) => this.#wasOverwritten(source, key, get)))
        return `${said}, although it was overwritten: a change is lost`
    }
    const isSaid = (write: Write): boolean => write.begin < get.end && Math.abs(write.expires - expires!) <= this.#rounding
    const said = this.#begunBefore(get.end).filter(isSaid)
    if (said.length === 0) {
      const isSaidTooLate = this.#writes.some(isSaid)
      return isSaidTooLate
        ? 'a session is given that has expired, and was prolonged then'
        : `it is to die at a time that nobody said: ${expires}`
    }
    if (said.every((write) => this.#wasReplaced(write, get.begin))) return 'it is to die at a time that was moved since'
    return undefined
  }

  #wasOverwritten(source: Operation, key: Key, get: Operation): boolean {
    return [...this.#creates, ...this.#updates].some(
      (write) =>
        write.outcome === 'done' &&
        this.#isSure(write, key) &&
        write.values![key] !== source.values![key] &&
        this.#before(source, write) &&
        this.#before(write, get),
    )
  }

  /** Whether this write surely wrote this key, if it was written at all. */
  #isSure(write: Operation, key: Key): boolean {
    if (!touches(write, key) || write.unsure?.has(key)) return false
    if (write.kind === 'create') return true
    // It may have been dropped: a session that was created again may have been destroyed in between. One that dies in the moment
    // between two calls of the store's may be prolonged by another in the same moment.
    return (this.#creates.length === 1 || this.#destroys.length === 0) && !this.#mayHaveExpired(write)
  }
}

function touches(write: Operation, key: Key): boolean {
  return write.kind === 'create' || Object.hasOwn(write.values!, key)
}

/** The first thing that must not be in a whole history, or undefined. */
export function violationIn(
  operations: readonly Operation[],
  failures: readonly unknown[],
  circumstances: Circumstances,
): Violation | undefined {
  if (failures[0] !== undefined) return { words: `something threw: ${String(failures[0])}`, operation: undefined }
  for (const operation of operations) {
    const words = answerViolation(operation, circumstances)
    if (words !== undefined) return { words, operation }
  }
  for (const sid of new Set(operations.map((operation) => operation.sid))) {
    const violation = new Rules(
      operations.filter((operation) => operation.sid === sid),
      circumstances,
    ).violation()
    if (violation !== undefined) return violation
  }
  return undefined
}

/** Every callback is called, once; an error is none that express-session takes for a missing session, and has a cause. */
function answerViolation({ kind, answers, outcome, error }: Operation, { mayFail }: Circumstances): string | undefined {
  if (answers === 0) return `${kind} never called back`
  if (answers > 1) return `${kind} called back ${answers} times`
  if (outcome !== 'failed') return undefined
  if (!mayFail) return `${kind} failed: ${String(error)}`
  if (!(error instanceof Error)) return `${kind} failed with no Error: ${String(error)}`
  if ((error as { code?: unknown }).code === 'ENOENT') return `${kind} failed with ENOENT, which says that the session is missing`
  return undefined
}
