import { ExpiryRules } from './expiry-rules.ts'
import { type Circumstances, doesWrite, Facts, type Write } from './facts.ts'
import { FIELDS, type Field, type Operation } from './history.ts'

export type { Circumstances } from './facts.ts'

/** A broken promise, in words, and the operation that shows it. */
export interface Violation {
  readonly words: string
  readonly operation: Operation | undefined
}

/**
 * The rules for all operations on one session, in any order of the parallel ones:
 *
 * - A field has a value that was written, and not overwritten since. No two writes of a key have the same value, so the value tells
 *   which operation wrote it. An update writes the fields that its request changed, and no others; so does a first save that is
 *   repeated because the one before it failed: that may have happened, and others may have changed other fields since.
 * - A destroyed session is not returned, and no late write stores it again. The same holds for the sessions of an owner that were ended.
 * - A session that was stored, and neither destroyed nor expired, is found. It is listed under its owner.
 * - The rules of the expiry hold.
 *
 * An operation that ended before another began happened before it. Whether an operation that failed has happened is not known.
 */
export class Rules {
  readonly #facts: Facts
  readonly #expiry: ExpiryRules
  readonly #sid: string

  /** @param operations all of a history */
  constructor(sid: string, operations: readonly Operation[], circumstances: Circumstances) {
    this.#sid = sid
    this.#facts = new Facts(sid, operations, circumstances)
    this.#expiry = new ExpiryRules(this.#facts)
  }

  /** The first violation, or undefined. */
  violation(): Violation | undefined {
    for (const get of this.#facts.gets) {
      if (get.outcome !== 'done') continue
      const words = get.found === null ? this.#missing(get) : this.#found(get)
      if (words !== undefined) return { words, operation: get }
    }
    for (const list of this.#facts.lists) {
      if (list.outcome !== 'done') continue
      const words = this.#listed(list)
      if (words !== undefined) return { words, operation: list }
    }
    return undefined
  }

  #found(get: Operation): string | undefined {
    return this.#isBack(get) ?? this.#isWrong(get) ?? this.#expiry.violation(get)
  }

  /** The violation if the session was not found, or undefined. */
  #missing(get: Operation): string | undefined {
    const created = this.#facts.creates.find((create) => create.outcome === 'done' && this.#facts.before(create, get))
    if (created === undefined || this.#mayBeMissing(get, created)) return undefined
    return 'a session is missing that was stored, not destroyed and has not expired'
  }

  #mayBeMissing(get: Operation, created: Write): boolean {
    // A session that is created again may have been created by the attempt that failed, and destroyed since: then it stays missing.
    const mayBeDropped = created.kind === 'create again'
    const mayRemove = (destroy: Operation): boolean =>
      destroy.begin < get.end && (mayBeDropped || !this.#facts.before(destroy, created))
    return [...this.#facts.destroys, ...this.#facts.ends].some(mayRemove) || this.#expiry.mayHaveExpired(get)
  }

  /** The violation if a destroyed session is found, or undefined. */
  #isBack(get: Operation): string | undefined {
    const isOver = (end: Operation): boolean =>
      end.outcome === 'done' &&
      this.#facts.before(end, get) &&
      this.#facts.creates.every((create) => create.begin > get.end || this.#facts.before(create, end))
    if (this.#facts.destroys.some(isOver)) return 'a session is returned that was destroyed'
    // A session that seems expired when its owner's are ended may be extended at that moment.
    const isEnded = (end: Operation): boolean => this.#isSurelyOwned(end) && !this.#expiry.mayHaveExpired(end)
    if (this.#facts.ends.some((end) => isOver(end) && isEnded(end))) {
      return 'a session is returned that was ended with all sessions of its owner'
    }
    return undefined
  }

  /** The violation if a field has a wrong value, or undefined. */
  #isWrong(get: Operation): string | undefined {
    const { values } = get.found!
    for (const field of FIELDS) {
      const value = values[field]
      const writes = this.#facts.writesOf(field)
      const sources = writes.filter((write) => write.begin < get.end && write.values![field] === value)
      const found = value === undefined ? `${nameOf(field)} is missing` : `${nameOf(field)} is ${value}`
      if (sources.length === 0) return `${found}, which no operation wrote`
      if (sources.every((source) => this.#wasOverwritten(source, field, get))) {
        return `${found}, although it was overwritten: a change is lost`
      }
    }
    return undefined
  }

  #wasOverwritten(source: Operation, field: Field, get: Operation): boolean {
    return this.#facts
      .writesOf(field)
      .some(
        (write) =>
          write.outcome === 'done' &&
          this.#isSure(write, field) &&
          write.values![field] !== source.values![field] &&
          this.#facts.before(source, write) &&
          this.#facts.before(write, get),
      )
  }

  /** Whether this operation surely wrote this field, if it ended well. */
  #isSure(write: Operation, field: Field): boolean {
    if (!doesWrite(write, field) || write.unsure?.has(field)) return false
    if (write.kind === 'create') return true
    // It may have been dropped: a session that was created again may have been destroyed in between. And a session that expires
    // between two calls of one store may be extended by another store at that moment.
    const { creates, mayBeDestroyed } = this.#facts
    return (creates.length === 1 || !mayBeDestroyed) && !this.#expiry.mayHaveExpired(write)
  }

  /** The violation if the session is not listed under its owner, or under another one; or undefined. */
  #listed(list: Operation): string | undefined {
    const found = list.listed!.get(this.#sid)
    const created = this.#facts.creates.find((create) => create.outcome === 'done' && this.#facts.before(create, list))
    if (found === undefined) {
      if (created === undefined || !this.#isSurelyOwned(list) || this.#mayBeMissing(list, created)) return undefined
      return `session ${this.#sid} is not listed under its owner`
    }
    if (found.values.owner !== list.owner) return `session ${this.#sid} of ${found.values.owner} is listed under another owner`
    const words = this.#found({ ...list, found })
    return words && `session ${this.#sid}: ${words}`
  }

  /** Whether the session surely belonged to the operation's owner, all the time from its beginning to its end. */
  #isSurelyOwned(operation: Operation): boolean {
    const writes = this.#facts.writesOf('owner').filter((write) => write.begin < operation.end)
    return writes.some(
      (write) =>
        write.outcome === 'done' &&
        write.values!.owner === operation.owner &&
        this.#isSure(write, 'owner') &&
        this.#facts.before(write, operation) &&
        writes.every((other) => other.values!.owner === operation.owner || this.#facts.before(other, write)),
    )
  }
}

function nameOf(field: Field): string {
  if (field === 'owner') return 'the owner'
  return field === 'age' ? 'the age of the cookie' : `key ${field}`
}

/** The first broken promise in a whole history, or undefined. */
export function violationIn(
  operations: readonly Operation[],
  failures: readonly unknown[],
  circumstances: Circumstances,
): Violation | undefined {
  if (failures[0] !== undefined) return { words: `an exception was thrown: ${String(failures[0])}`, operation: undefined }
  for (const operation of operations) {
    const words = callbackViolation(operation, circumstances)
    if (words !== undefined) return { words, operation }
  }
  for (const sid of new Set(operations.map((operation) => operation.sid))) {
    if (sid === '') continue
    const violation = new Rules(sid, operations, circumstances).violation()
    if (violation !== undefined) return violation
  }
  return undefined
}

/** Every callback is called once. An error is an Error, and none that express-session takes for a missing session. */
function callbackViolation({ kind, callbacks, outcome, error }: Operation, { mayFail }: Circumstances): string | undefined {
  if (callbacks === 0) return `${kind} never called back`
  if (callbacks > 1) return `${kind} called back ${callbacks} times`
  if (outcome !== 'failed') return undefined
  if (!mayFail) return `${kind} failed: ${String(error)}`
  if (!(error instanceof Error)) return `${kind} failed with no Error: ${String(error)}`
  if ((error as { code?: unknown }).code === 'ENOENT')
    return `${kind} failed with ENOENT, which means that the session is missing`
  return undefined
}
