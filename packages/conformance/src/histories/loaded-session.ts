import type { StoredSession } from '../store/any-store.ts'
import { newSession } from '../store/helpers.ts'
import { type Context, valuesOf } from './context.ts'
import { FIELDS, type Field, type History, type Operation, type Values } from './history.ts'
import type { Step } from './plan.ts'

/** The fields that a request loaded or wrote, and the expiry. */
interface Version {
  readonly values: Values
  readonly expires: number
}

/** The session object of a request, and its knowledge about the stored session. */
export class LoadedSession {
  readonly sid: string
  readonly live: StoredSession
  /** Whether the session was loaded, or a save of it has ended well. */
  isConfirmed: boolean
  /** The version that the request has loaded, or last written with success. */
  #base: Version
  #baseBegin = 0
  /** Saves and touches that are pending, or have failed and so may have happened. */
  #attempts: { readonly version: Version; readonly operation: Operation }[] = []

  constructor(sid: string, session: StoredSession, isConfirmed: boolean) {
    this.sid = sid
    this.live = session
    this.isConfirmed = isConfirmed
    this.#base = this.#version()
  }

  /** A session that was never stored. */
  static create(context: Context, store: number): LoadedSession {
    const sid = context.newSid()
    const session = new LoadedSession(sid, newSession({ store: context.stores[store]! }, sid, {}), false)
    session.setAge('long', context.history)
    return session
  }

  /** Changes the data as an application would: objects in place. */
  change({ set, remove, owner }: Pick<Step, 'set' | 'remove' | 'owner'>, history: History): void {
    for (const key of remove) delete this.live[key]
    for (const key of set) {
      if (this.live[key] === undefined) this.live[key] = { n: history.newValue() }
      else this.live[key].n = history.newValue()
    }
    if (owner === null) delete this.live['owner']
    else if (owner !== undefined) this.live['owner'] = history.ownerOf(owner)
  }

  /** Sets the cookie's age, or computes its expiry again. */
  setAge(age: Step['age'], history: History): void {
    if (age === 'kept') return
    const { cookie } = this.live
    const milliseconds: number = age === undefined ? cookie.originalMaxAge : history.newAge(age)
    cookie.expires = new Date(history.newExpiry(milliseconds))
    // Setting `expires` has set it from another reading of the clock.
    cookie.originalMaxAge = milliseconds
  }

  /** Whether a save of it has begun before. */
  get isTried(): boolean {
    return this.#attempts.some(({ operation }) => operation.kind !== 'touch')
  }

  /** The write of a save that begins now: the fields that differ from the loaded ones, or from those of an attempt that may be stored. */
  save(): Pick<Operation, 'kind' | 'values' | 'unsure' | 'expires' | 'changesAge'> {
    const { values, expires } = this.#version()
    if (!this.isConfirmed && !this.isTried) return { kind: 'create', values, expires, changesAge: true }
    const changes = this.#changes(FIELDS)
    return { kind: this.isConfirmed ? 'update' : 'create again', expires, ...changes }
  }

  /** The write of a touch that begins now. */
  touch(): Pick<Operation, 'kind' | 'values' | 'unsure' | 'expires' | 'changesAge'> {
    return { kind: 'touch', expires: this.#version().expires, ...this.#changes(['age']) }
  }

  /** A save or a touch of the object as it is now has begun. */
  began(operation: Operation): void {
    const version = this.#version()
    // A touch writes the cookie only.
    const values = operation.kind === 'touch' ? { age: version.values.age } : version.values
    this.#attempts.push({ version: { ...version, values }, operation })
  }

  /** It has ended. */
  ended(operation: Operation): void {
    if (operation.outcome !== 'done') return
    const isTouch = operation.kind === 'touch'
    if (!isTouch) this.isConfirmed = true
    const version = this.#attempts.find((attempt) => attempt.operation === operation)?.version
    if (version === undefined || operation.begin < this.#baseBegin) return
    this.#base = isTouch ? { values: { ...this.#base.values, age: version.values.age }, expires: version.expires } : version
    if (isTouch) {
      this.#attempts = this.#attempts.filter((attempt) => attempt.operation !== operation)
      return
    }
    this.#baseBegin = operation.begin
    this.#attempts = this.#attempts.filter((attempt) => attempt.operation.begin > operation.begin)
  }

  #changes(fields: readonly Field[]): Pick<Operation, 'values' | 'unsure' | 'changesAge'> {
    const now = this.#version()
    const attempts = this.#attempts.map(({ version }) => version)
    const before = [this.#base, ...attempts]
    const isPending = this.#attempts.some(({ operation }) => operation.outcome === 'pending')
    const values: Partial<Record<Field, number | string | undefined>> = {}
    const unsure = new Set<Field>()
    for (const field of fields) {
      const written = before.filter(({ values }) => Object.hasOwn(values, field))
      const differs = written.map(({ values }) => values[field] !== now.values[field])
      if (!differs.includes(true)) continue
      values[field] = now.values[field]
      // If a first save failed, others can have changed the session only if it happened: then their changes stay.
      if (differs.includes(false) && (!this.isConfirmed || isPending || field === 'age')) unsure.add(field)
    }
    // A new session has no cookie yet but that of its first save.
    const cookies = this.isConfirmed || attempts.length === 0 ? before : attempts
    const changes = cookies.map(({ values: { age }, expires }) => age !== now.values.age || now.expires < expires)
    const isSooner = cookies.some(({ expires }) => now.expires < expires)
    if (isSooner && !Object.hasOwn(values, 'age')) {
      // The whole cookie is this request's then.
      values.age = now.values.age
      unsure.add('age')
    }
    return { values, unsure, changesAge: new Set(changes).size > 1 ? undefined : changes[0] }
  }

  #version(): Version {
    const { expires } = this.live['cookie']
    return { values: valuesOf(this.live), expires: expires ? new Date(expires).getTime() : Number.POSITIVE_INFINITY }
  }
}
