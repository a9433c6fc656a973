import type { Facts, Write } from './facts.ts'
import type { Operation } from './history.ts'

/** How far apart two expiries of one age are at most, in milliseconds. */
const SAME_AGE = 1_000

/**
 * The rules for the expiry of one session:
 *
 * - An expired session is not returned.
 * - The expiry is one that an operation wrote, and that no later one replaced.
 * - A write never shortens the stored expiry unless its request changed the age of its cookie, or the expiry to a sooner date.
 */
export class ExpiryRules {
  readonly #facts: Facts
  readonly #clocks: number
  /** Before this time nothing has expired: most histories end before it. */
  readonly #firstExpiry: number

  constructor(facts: Facts) {
    this.#facts = facts
    this.#clocks = facts.circumstances.clocks
    this.#firstExpiry = Math.min(...facts.writes.map(({ expires }) => expires))
  }

  /** Whether the session may seem expired to this operation, because it has expired or expires meanwhile. */
  mayHaveExpired(operation: Operation): boolean {
    if (operation.endedAt + this.#clocks < this.#firstExpiry) return false
    return this.#effectiveBefore(operation.end).some(
      (write) => write.expires <= operation.endedAt + this.#clocks && !this.#wasExtended(write, operation),
    )
  }

  /** What is wrong with the expiry that this operation found, or undefined. */
  violation(get: Operation): string | undefined {
    if (this.#isSurelyExpired(get.begin, get.end, get.beganAt)) return 'a session is returned that has expired'
    const { expires } = get.found!
    const { rounding } = this.#facts.circumstances
    const isWritten = (write: Write): boolean => write.begin < get.end && Math.abs(write.expires - expires!) <= rounding
    const sources = this.#effectiveBefore(get.end).filter(isWritten)
    if (sources.length === 0) {
      return this.#facts.writes.some(isWritten)
        ? 'a session is returned that had expired, and was extended then'
        : `no operation wrote the expiry ${expires}`
    }
    if (sources.every((write) => this.#wasReplaced(write, get.begin))) return 'the expiry was replaced since'
    if (sources.every((write) => this.#hasShortened(write, get))) {
      return 'the expiry was shortened by a request that did not change the age of its cookie'
    }
    return undefined
  }

  /** Whether a later write, which ended while the session surely had not expired, has extended its expiry. */
  #wasExtended(write: Write, operation: Operation): boolean {
    return this.#facts.writes.some(
      (later) =>
        later.outcome === 'done' &&
        later.expires > operation.endedAt + this.#clocks &&
        later.endedAt + this.#clocks < write.expires &&
        this.#facts.before(write, later) &&
        this.#facts.before(later, operation),
    )
  }

  /** Whether the session had expired at `now`, whatever happened: for a read that began at `begin`, and writes from before `end`. */
  #isSurelyExpired(begin: number, end: number, now: number): boolean {
    if (now < this.#firstExpiry) return false
    const writes = this.#effectiveBefore(end)
    if (!writes.some((write) => write.end < begin && write.outcome === 'done')) return false
    return writes.every((write) => write.expires + this.#clocks <= now || this.#wasReplaced(write, begin))
  }

  /** Whether the expiry of this write was surely replaced by that of a later one, which ended before `begin`. */
  #wasReplaced(write: Write, begin: number): boolean {
    return this.#facts.writes.some(
      (later) =>
        later !== write &&
        later.outcome === 'done' &&
        later.end < begin &&
        this.#facts.before(write, later) &&
        !this.#mayBeRestored(write, later) &&
        (later.changesAge === true || write.expires <= later.expires),
    )
  }

  /** Whether an update during `later` may have read the expiry of `write`, and stored it again. */
  #mayBeRestored(write: Write, later: Write): boolean {
    return this.#facts.merging.some(
      (update) =>
        update !== write &&
        update !== later &&
        !this.#facts.endedBefore(update, later.begin) &&
        !this.#facts.before(later, update),
    )
  }

  /** The writes that may have had an effect by then: no operation extends an expired session. */
  #effectiveBefore(end: number): Write[] {
    const { writes, creates } = this.#facts
    return writes.filter(
      (write) =>
        write.begin < end && (creates.includes(write) || !this.#isSurelyExpired(write.begin, write.begin, write.beganAt)),
    )
  }

  /** Whether this update surely replaced a later expiry, although its request had not changed the age of its cookie. */
  #hasShortened(update: Write, get: Operation): boolean {
    const { kind, outcome, changesAge, values } = update
    if (kind !== 'update' || outcome !== 'done' || changesAge !== false || Object.keys(values!).length === 0) return false
    const { writes, creates, mayBeDestroyed } = this.#facts
    if (mayBeDestroyed || creates.length > 1) return false
    const isLater = ({ expires }: Write): boolean => expires > update.expires + SAME_AGE + this.#facts.circumstances.rounding
    return writes.some(
      (write) =>
        write.outcome === 'done' &&
        isLater(write) &&
        this.#facts.before(write, update) &&
        !this.mayHaveExpired(write) &&
        writes.every(
          (other) =>
            other === update || other.begin >= get.end || isLater(other) || (other !== write && this.#facts.before(other, write)),
        ),
    )
  }
}
