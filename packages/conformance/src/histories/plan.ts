import fc from 'fast-check'

/** The keys of a session that requests change. Few, so that several requests change the same. */
export const KEYS = ['a', 'b', 'c'] as const
export type Key = (typeof KEYS)[number]

/** The users of a history. */
export const OWNERS = ['ada', 'bob'] as const
export type Owner = (typeof OWNERS)[number]

/** The age of a cookie: an hour or more, a few milliseconds, or less than none. */
export type Age = 'long' | 'short' | 'over'

/** The action of a request at the end of a step. */
export type Action =
  | 'save'
  /** Saves, and continues before the save has ended. */
  | 'save without waiting'
  | 'touch'
  | 'reload'
  | 'destroy'
  | 'regenerate'
  | 'clean up'
  /** Waits until all short sessions have expired. */
  | 'wait'
  /** Lists the sessions of the step's `user`. */
  | 'list sessions'
  /** Ends all sessions of the step's `user`. */
  | 'end sessions'
  /** Ends all sessions of the step's `user` but the request's own. */
  | 'end other sessions'

/** One step of a request: it changes its session object, and then calls the store. */
export interface Step {
  readonly set: readonly Key[]
  readonly remove: readonly Key[]
  /**
   * The new age of the cookie. Undefined: the age stays, and the expiry is computed again from now, as at the end of each request.
   * `kept`: the expiry stays as well, as when an application saves by itself.
   */
  readonly age: Age | 'kept' | undefined
  /** The new owner of the session; null: none; undefined: unchanged. */
  readonly owner?: Owner | null | undefined
  readonly action: Action
  /** The user that the action is about. */
  readonly user?: Owner | undefined
}

/** One request of a visitor to one of the stores. It begins by loading the visitor's session, or with a new one. */
export interface RequestPlan {
  readonly visitor: number
  readonly store: number
  readonly steps: readonly Step[]
}

/** The fault of a call of the bank. */
export type FaultKind =
  /** It fails, and has not happened. */
  | 'before'
  /** It fails, and has happened. */
  | 'after'
  /** It has no result, and happens after the store's time-out. */
  | 'late'

export interface Fault {
  /** The number of the call of the bank, from 0. */
  readonly call: number
  readonly kind: FaultKind
}

/** All random decisions of one history. */
export interface Plan {
  /** The age of each visitor's session at the beginning; null: the visitor has none. */
  readonly visitors: readonly (Age | null)[]
  readonly requests: readonly RequestPlan[]
  /** The choices among the possible next events. After the last choice, always the first event: calls end in the order of their beginning. */
  readonly choices: readonly number[]
  readonly faults: readonly Fault[]
}

/** The possible events of histories. */
export interface PlanOptions {
  /** The kinds of faults. */
  readonly faults?: readonly FaultKind[]
  /** Whether sessions have owners. */
  readonly hasOwners?: boolean
}

const ACTIONS = {
  save: 12,
  'save without waiting': 3,
  touch: 4,
  reload: 2,
  destroy: 2,
  regenerate: 2,
  'clean up': 1,
  wait: 1,
}

const OWNER_ACTIONS = { ...ACTIONS, 'list sessions': 2, 'end sessions': 2, 'end other sessions': 1 }

const firstAge: fc.Arbitrary<Age | null> = fc.oneof(
  { weight: 8, arbitrary: fc.constant('long' as const) },
  { weight: 1, arbitrary: fc.constantFrom('short' as const, null) },
)

/** Any history. */
export function plans({ faults = [], hasOwners = false }: PlanOptions = {}): fc.Arbitrary<Plan> {
  return fc.record({
    visitors: fc.tuple(firstAge, firstAge),
    requests: fc.array(request(hasOwners), { minLength: 1, maxLength: 5, size: 'max' }),
    choices: fc.array(fc.nat(11), { maxLength: 48, size: 'max' }),
    faults: faults.length === 0 ? fc.constant([]) : fc.array(fault(faults), { minLength: 1, maxLength: 3 }),
  })
}

function request(hasOwners: boolean): fc.Arbitrary<RequestPlan> {
  return fc.record({
    visitor: weighted({ 0: 5, 1: 1 }).map(Number),
    store: fc.nat(1),
    steps: fc.array(step(hasOwners), { minLength: 1, maxLength: 3 }),
  })
}

function step(hasOwners: boolean): fc.Arbitrary<Step> {
  const simple = {
    set: fc.subarray([...KEYS], { maxLength: 2 }),
    remove: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray([...KEYS], { maxLength: 1 }) },
    ),
    age: fc.oneof(
      { weight: 10, arbitrary: fc.constant(undefined) },
      { weight: 3, arbitrary: fc.constant('long' as const) },
      { weight: 2, arbitrary: fc.constant('kept' as const) },
      { weight: 1, arbitrary: fc.constantFrom('short' as const, 'over' as const) },
    ),
  }
  if (!hasOwners) return fc.record({ ...simple, action: weighted<Action>(ACTIONS as Record<Action, number>) })
  return fc.record({
    ...simple,
    owner: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 3, arbitrary: fc.constantFrom(...OWNERS) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    action: weighted<Action>(OWNER_ACTIONS),
    user: fc.constantFrom(...OWNERS),
  })
}

function fault(kinds: readonly FaultKind[]): fc.Arbitrary<Fault> {
  return fc.record({ call: fc.nat(24), kind: fc.constantFrom(...kinds) })
}

/** One of the names, the first the simplest, as often as its weight says. */
function weighted<Name extends string>(weights: Readonly<Record<Name, number>>): fc.Arbitrary<Name> {
  const names = Object.keys(weights) as Name[]
  return fc.oneof(...names.map((name) => ({ weight: weights[name], arbitrary: fc.constant(name) })))
}
