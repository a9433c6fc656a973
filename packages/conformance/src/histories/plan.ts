import fc from 'fast-check'

/** The keys of a session that requests change. Few, so that they meet. */
export const keys = ['a', 'b', 'c'] as const
export type Key = (typeof keys)[number]

/** How long a session is to live from now on: for an hour, for a few milliseconds, or no more. */
export type Lifetime = 'long' | 'short' | 'over'

/** What a request does at the end of a step. */
export type Deed = 'save' | 'save and go on' | 'touch' | 'reload' | 'destroy' | 'regenerate' | 'clean up' | 'wait'

/** One step of a request: it changes its session object, then asks the store for something. */
export interface Step {
  readonly set: readonly Key[]
  readonly remove: readonly Key[]
  /** Undefined: of the same age as before, counted anew. Kept: it dies when it was to die, as when an application saves by itself. */
  readonly lifetime: Lifetime | 'kept' | undefined
  readonly deed: Deed
}

/** One request of a visitor to one of the stores. It begins by loading the visitor's session, or with a new one. */
export interface RequestPlan {
  readonly visitor: number
  readonly store: number
  readonly steps: readonly Step[]
}

/** What is done to a call of the bank. */
export type FaultKind =
  /** It fails, and has not happened. */
  | 'before'
  /** It fails, and has happened. */
  | 'after'
  /** It has no answer, and happens when the store has given it up. */
  | 'late'

export interface Fault {
  /** The how many-th call of the bank it strikes. */
  readonly call: number
  readonly kind: FaultKind
}

/** All that chance decides about one history. */
export interface Plan {
  /** How long each visitor's session lives at the beginning; null: there is none. */
  readonly visitors: readonly (Lifetime | null)[]
  readonly requests: readonly RequestPlan[]
  /** Which of the things that may happen next does happen. When it is used up, always the first: what was begun first ends first. */
  readonly choices: readonly number[]
  readonly faults: readonly Fault[]
}

const step: fc.Arbitrary<Step> = fc.record({
  set: fc.subarray([...keys], { maxLength: 2 }),
  remove: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.subarray([...keys], { maxLength: 1 }) }),
  lifetime: fc.oneof(
    { weight: 10, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constant('long' as const) },
    { weight: 2, arbitrary: fc.constant('kept' as const) },
    { weight: 1, arbitrary: fc.constantFrom('short' as const, 'over' as const) },
  ),
  deed: weighted<Deed>({
    save: 12,
    'save and go on': 3,
    touch: 4,
    reload: 2,
    destroy: 2,
    regenerate: 2,
    'clean up': 1,
    wait: 1,
  }),
})

const request: fc.Arbitrary<RequestPlan> = fc.record({
  visitor: weighted({ 0: 5, 1: 1 }).map(Number),
  store: fc.nat(1),
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
})

const beginning: fc.Arbitrary<Lifetime | null> = fc.oneof(
  { weight: 8, arbitrary: fc.constant('long' as const) },
  { weight: 1, arbitrary: fc.constantFrom('short' as const, null) },
)

/** Any history; `faults` are the kinds that may strike in it. */
export function plans(faults: readonly FaultKind[] = []): fc.Arbitrary<Plan> {
  return fc.record({
    visitors: fc.tuple(beginning, beginning),
    requests: fc.array(request, { minLength: 1, maxLength: 5, size: 'max' }),
    choices: fc.array(fc.nat(11), { maxLength: 48, size: 'max' }),
    faults: faults.length === 0 ? fc.constant([]) : fc.array(fault(faults), { minLength: 1, maxLength: 3 }),
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
