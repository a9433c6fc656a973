import type { AnyStore, StoredSession } from '../store/any-store.ts'
import { HOUR, newSession } from '../store/helpers.ts'
import type { Chronicle, Operation, Values } from './chronicle.ts'
import { type Key, keys, type Lifetime } from './plan.ts'

/** How long sessions live from now on, in milliseconds. */
const AGES: Readonly<Record<Lifetime, number>> = { long: HOUR, short: 3, over: -1_000 }

/** By how much an age may differ and be the same: it is set from two readings of the clock. In milliseconds. */
const AGE_DRIFT = 10

/** What the requests of one history have in common. */
export interface World {
  readonly stores: readonly AnyStore[]
  readonly chronicle: Chronicle
  /** What each visitor's browser sends along. */
  readonly cookies: (string | undefined)[]
  /** An id for a new session, whose calls are this history's to order. */
  newSid(): string
}

/** Calls a method of a store; ends, whatever comes of it, when it has called back. */
export function ask(
  { chronicle, stores }: World,
  what: Pick<Operation, 'kind' | 'request' | 'store' | 'sid'> & Partial<Operation>,
  call: (store: AnyStore, callback: (error?: unknown, value?: unknown) => void) => void,
  onValue: (value: unknown, operation: Operation) => void = () => {},
): { operation: Operation; ended: Promise<void> } {
  const operation = chronicle.begin(what)
  const ended = new Promise<void>((resolve) => {
    const callback = (error?: unknown, value?: unknown): void => {
      if (operation.answers === 0 && !error) onValue(value, operation)
      if (chronicle.answered(operation, error)) resolve()
    }
    try {
      call(stores[operation.store]!, callback)
    } catch (error) {
      callback(new Error(`${what.kind} threw instead of calling back: ${String(error)}`, { cause: error }))
    }
  })
  return { operation, ended }
}

/** Asks for a session; `found` of the operation tells what came. */
export async function look(
  world: World,
  what: { request?: number; store: number; sid: string },
): Promise<{ operation: Operation; data: StoredSession | null }> {
  let data: StoredSession | null = null
  const { operation, ended } = ask(
    world,
    { kind: 'get', request: what.request, store: what.store, sid: what.sid },
    (store, callback) => store.get(what.sid, callback),
    (value, asked) => {
      data = (value as StoredSession | null | undefined) ?? null
      asked.found = data === null ? null : { values: valuesOf(data), expires: deathOf(data) }
    },
  )
  await ended
  return { operation, data }
}

/** What each key of a session holds. */
export function valuesOf(session: StoredSession): Values {
  const values: Partial<Record<Key, number | undefined>> = {}
  for (const key of keys) values[key] = session[key]?.n
  return values
}

export function deathOf(session: StoredSession): number | undefined {
  const expires = session['cookie']?.expires
  return expires === undefined || expires === null ? undefined : new Date(expires).getTime()
}

/** A session object in a request's hands, and what the request knows of how it is stored. */
export class Held {
  readonly sid: string
  readonly live: StoredSession
  /**
   * What others had written by then, the request has seen: it was loaded then, or its first save began, and has ended well. Undefined as
   * long as nobody knows whether it is stored.
   */
  knownSince: number | undefined
  #base: Values
  #baseBegin = 0
  /** How old its cookie may get, in milliseconds, as loaded and as in all that it has written. */
  readonly #ages: number[] = []
  #isSaved = false
  /** Saves that are under way, or have failed and so may have happened. */
  #attempts: { readonly full: Values; readonly save: Operation }[] = []

  constructor(sid: string, session: StoredSession, knownSince: number | undefined) {
    this.sid = sid
    this.live = session
    this.knownSince = knownSince
    this.#base = valuesOf(session)
    if (knownSince !== undefined) this.touched()
  }

  /** A session that was never stored. */
  static fresh(world: World, store: number): Held {
    const sid = world.newSid()
    const held = new Held(sid, newSession({ store: world.stores[store]! }, sid, {}), undefined)
    held.age('long', world.chronicle)
    return held
  }

  /** Changes the object as an application would: in place where there is something. */
  change(set: readonly Key[], remove: readonly Key[], newValue: () => number): void {
    for (const key of remove) delete this.live[key]
    for (const key of set) {
      if (this.live[key] === undefined) this.live[key] = { n: newValue() }
      else this.live[key].n = newValue()
    }
  }

  /** Sets the cookie's age, or counts it anew. */
  age(lifetime: Lifetime | undefined, chronicle: Chronicle): void {
    const { cookie } = this.live
    const age: number = lifetime === undefined ? cookie.originalMaxAge : AGES[lifetime]
    cookie.expires = new Date(chronicle.newDeath(age))
    // The date has set it, from another reading of the clock.
    cookie.originalMaxAge = age
  }

  get expires(): number {
    return (this.live['cookie'].expires as Date).getTime()
  }

  /**
   * Whether its touch may leave alone a longer life that others have given the session: a save has met that, and it only counts anew an
   * age that it has asked for before.
   */
  get isYielding(): boolean {
    const age: number = this.live['cookie'].originalMaxAge
    return this.#isSaved && this.#ages.some((before) => Math.abs(before - age) <= AGE_DRIFT)
  }

  /** Whether a save of it has begun before. */
  get isTried(): boolean {
    return this.#attempts.length > 0
  }

  /** What a save that begins now writes: the keys that differ from what is known to be stored, or was tried. */
  changes(): { values: Values; unsure: ReadonlySet<Key> } {
    const now = valuesOf(this.live)
    const unsure = new Set<Key>()
    const values: Partial<Record<Key, number | undefined>> = {}
    for (const key of keys) {
      const before = [this.#base, ...this.#attempts.map(({ full }) => full)].map((full) => full[key] !== now[key])
      if (!before.includes(true)) continue
      values[key] = now[key]
      // Others can know of a first save that failed, only if it has happened: then what they have made of it stays.
      const isNew = this.knownSince === undefined
      const isUnderWay = this.#attempts.some(({ save }) => save.outcome === 'pending')
      if ((isNew || isUnderWay) && before.includes(false)) unsure.add(key)
    }
    return { values, unsure }
  }

  /** A save of the object as it is now has begun. */
  began(save: Operation): void {
    this.#attempts.push({ full: valuesOf(this.live), save })
    this.#isSaved = true
    this.touched()
  }

  /** It is loaded, or a save or a touch of it has begun. */
  touched(): void {
    this.#ages.push(this.live['cookie'].originalMaxAge)
  }

  /** It has ended. */
  ended(save: Operation): void {
    if (save.outcome !== 'done') return
    this.knownSince ??= this.#attempts[0]!.save.begin
    const full = this.#attempts.find((attempt) => attempt.save === save)?.full
    if (full === undefined || save.begin < this.#baseBegin) return
    this.#base = full
    this.#baseBegin = save.begin
    this.#attempts = this.#attempts.filter((attempt) => attempt.save.begin > save.begin)
  }
}
