import { deferred } from '../gate.ts'
import type { AnyStore } from '../store/any-store.ts'
import { type Calls, Desk, type StandingCall } from './calls.ts'
import { Chronicle } from './chronicle.ts'
import { ask, Held, look, valuesOf, type World } from './held.ts'
import type { Plan } from './plan.ts'
import { Request } from './request.ts'

/** Where histories take place. */
export interface Stage {
  /** Stores on one place. */
  readonly stores: readonly AnyStore[]
  /** Holds the calls of the banks beneath; undefined where calls happen as they come. */
  readonly calls: Calls | undefined
  /** How long a history waits while nothing happens, in milliseconds. */
  readonly limit: number
  /** Called when all requests have ended, before it is looked at what is stored: ends what disturbs the stores. */
  readonly calm?: (() => Promise<void>) | undefined
}

/** A store that asks its bank more often than this for one history is in a loop that it will not leave. */
const MOST_CALLS = 2_000

/** How often a store is asked again that does not recover from a disturbance, and how many milliseconds later. */
const MOST_TRIES = 200
const BETWEEN_TRIES = 50

/** Lets a history take place, and gives what happened. Its sessions' ids begin with `name`. */
export async function play(plan: Plan, name: string, stage: Stage): Promise<Chronicle> {
  const chronicle = new Chronicle(name)
  const patience = new Patience(stage.limit, chronicle)
  const history = new History(plan, chronicle, stage, patience)
  try {
    await history.logIn()
    await history.goOn()
    await stage.calm?.()
    await history.lookAtAll()
    return chronicle
  } finally {
    history.cleanAway()
    patience.end()
  }
}

class History {
  readonly #plan: Plan
  readonly #stage: Stage
  readonly #world: World
  readonly #desk: Desk
  readonly #patience: Patience
  readonly #sids: string[] = []
  #isHolding = false
  #choices = 0

  constructor(plan: Plan, chronicle: Chronicle, stage: Stage, patience: Patience) {
    this.#plan = plan
    this.#stage = stage
    this.#patience = patience
    this.#desk = new Desk(plan.faults, chronicle)
    this.#world = { stores: stage.stores, chronicle, cookies: [], newSid: () => this.#newSid() }
  }

  /** Every visitor who is to have a session gets one. */
  async logIn(): Promise<void> {
    for (const [visitor, lifetime] of this.#plan.visitors.entries()) {
      if (lifetime === null || !this.#plan.requests.some((request) => request.visitor === visitor)) continue
      const held = Held.fresh(this.#world, 0)
      held.change(['a', 'b'], [], () => this.#world.chronicle.newValue())
      held.age(lifetime, this.#world.chronicle)
      const { sid, live, expires } = held
      const what = { kind: 'create' as const, request: undefined, store: 0, sid, expires, values: valuesOf(live) }
      this.#world.cookies[visitor] = sid
      await this.#patience.until(ask(this.#world, what, (store, callback) => store.set(sid, live, callback)).ended)
    }
    this.#isHolding = this.#stage.calls !== undefined
    for (const sid of this.#sids) this.#claim(sid)
  }

  /** One thing happens after the other, as the plan chooses, until all requests have ended. */
  async goOn(): Promise<void> {
    const requests = this.#plan.requests.map((request, index) => new Request(this.#world, request, index))
    for (;;) {
      const actions = this.#actions(requests)
      const isWaiting = requests.some(({ isBusy }) => isBusy) || this.#hasPending()
      // Where calls happen as they come, it is a choice too to wait for what comes next.
      if (isWaiting && !this.#isHolding) actions.unshift(() => this.#patience.untilChange())
      const action = actions[this.#choice(actions.length)]
      if (action !== undefined) await action()
      else if (isWaiting) await this.#patience.untilChange()
      else return
      if (this.#patience.isOver || this.#desk.count > MOST_CALLS) return
    }
  }

  /** What may happen next. First what has begun, so that without a choice all happens one after the other. */
  #actions(requests: readonly Request[]): (() => Promise<void>)[] {
    const actions: (() => Promise<void>)[] = []
    for (const call of this.#desk.standing) if (this.#isDue(call)) actions.push(() => this.#goOnWith(call))
    for (const request of requests) {
      if (request.isBusy || request.isOver) continue
      actions.push(() => {
        request.advance()
        return consequences()
      })
    }
    return actions
  }

  #isDue({ fault, isPerformed, sid, tick }: StandingCall): boolean {
    if (fault !== 'late' || isPerformed) return true
    return this.#world.chronicle.operations.some(
      (operation) => operation.sid === sid && operation.outcome === 'failed' && operation.end > tick,
    )
  }

  async #goOnWith(call: StandingCall): Promise<void> {
    const { chronicle } = this.#world
    chronicle.remark(call, call.isPerformed)
    if (call.isPerformed) {
      this.#desk.remove(call)
      call.answer()
      return consequences()
    }
    await this.#patience.until(call.perform())
  }

  #choice(count: number): number {
    return count < 2 ? 0 : (this.#plan.choices[this.#choices++] ?? 0) % count
  }

  #hasPending(): boolean {
    return this.#world.chronicle.operations.some(({ outcome }) => outcome === 'pending')
  }

  /** What every store says of every session in the end. */
  async lookAtAll(): Promise<void> {
    for (const sid of this.#sids) this.#stage.calls?.release(sid)
    this.#isHolding = false
    const looks = this.#sids.flatMap((sid) => this.#stage.stores.map((_, store) => this.#lookAt({ sid, store })))
    await this.#patience.until(Promise.all(looks))
  }

  /** A store that was disturbed may fail a few more times, and has to recover then. */
  async #lookAt(what: { sid: string; store: number }): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { operation } = await look(this.#world, what)
      if (operation.outcome === 'done' || this.#stage.calm === undefined || this.#patience.isOver) return
      if (tries === MOST_TRIES) throw new Error(`store ${what.store} did not recover: ${String(operation.error)}`)
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES))
    }
  }

  /** The place stays small, so that no history is slower than the one before. Nobody waits for it. */
  cleanAway(): void {
    for (const sid of this.#sids) this.#stage.calls?.release(sid)
    this.#desk.letGo()
    for (const sid of this.#sids) {
      try {
        this.#stage.stores[0]!.destroy(sid, () => {})
      } catch {
        // A store that throws has been found out before.
      }
    }
  }

  #newSid(): string {
    const sid = this.#world.chronicle.newSid()
    this.#sids.push(sid)
    if (this.#isHolding) this.#claim(sid)
    return sid
  }

  #claim(sid: string): void {
    this.#stage.calls?.claim(sid, this.#desk)
  }
}

/** Until what was done has had all its consequences: callbacks come by microtasks and ticks. */
function consequences(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Waits for a store's answers as long as they come. */
class Patience {
  /** Whether nothing has happened for so long that nothing will. */
  isOver = false
  readonly #limit: number
  readonly #chronicle: Chronicle
  readonly #end = deferred()
  #timer: NodeJS.Timeout | undefined

  /** @param limit milliseconds without any event */
  constructor(limit: number, chronicle: Chronicle) {
    this.#limit = limit
    this.#chronicle = chronicle
    this.#watch(chronicle.tick)
  }

  /** Ends when the promise does, or patience. */
  async until(promise: Promise<unknown>): Promise<void> {
    await Promise.race([promise, this.#end.promise])
  }

  /** Ends when anything has changed, or patience. */
  async untilChange(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#chronicle.onChange = resolve
    })
    await consequences()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #watch(tick: number): void {
    this.#timer = setTimeout(async () => {
      // On a busy machine an answer may be there that this process had no time for.
      await consequences()
      if (this.#chronicle.tick !== tick) return this.#watch(this.#chronicle.tick)
      this.isOver = true
      this.#end.resolve()
      this.#chronicle.onChange()
    }, this.#limit)
  }
}
