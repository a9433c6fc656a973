import type { AnyStore } from '../store/any-store.ts'
import { type Context, callStore, getSession, listSessions } from './context.ts'
import { History } from './history.ts'
import { LoadedSession } from './loaded-session.ts'
import { OWNERS, type Plan } from './plan.ts'
import { Request } from './request.ts'
import { type HoldingLayer, type ScheduledCall, Scheduler } from './scheduler.ts'
import { consequences, Watchdog } from './watchdog.ts'

/** Where histories run. */
export interface Environment {
  /** Stores on the same storage. */
  readonly stores: readonly AnyStore[]
  /** Holds the calls of the banks; undefined if calls happen as they come. */
  readonly holding: HoldingLayer | undefined
  /** How long a history waits while nothing happens, in milliseconds. */
  readonly limit: number
  /** Whether the stores have the option `owner`. */
  readonly hasOwners?: boolean | undefined
  /** Called when all requests have ended, before all sessions are read: ends what disturbs the stores. */
  readonly calm?: (() => Promise<void>) | undefined
}

/** A store that calls its bank more often than this in one history is in an endless loop. */
const MAX_CALLS = 2_000

/** How often a store that does not recover from a disturbance is called again, and how many milliseconds later. */
const MAX_TRIES = 200
const BETWEEN_TRIES = 50

/** Runs one history, and returns what happened. The ids of its sessions begin with `name`. */
export async function runHistory(plan: Plan, name: string, environment: Environment): Promise<History> {
  const history = new History(name)
  const watchdog = new Watchdog(environment.limit, history)
  const execution = new Execution(plan, history, environment, watchdog)
  try {
    await execution.logIn()
    await execution.runRequests()
    await environment.calm?.()
    await execution.readAll()
    return history
  } finally {
    execution.removeAll()
    watchdog.stop()
  }
}

class Execution {
  readonly #plan: Plan
  readonly #environment: Environment
  readonly #context: Context
  readonly #scheduler: Scheduler
  readonly #watchdog: Watchdog
  readonly #sids: string[] = []
  #isHolding = false
  #choices = 0

  constructor(plan: Plan, history: History, environment: Environment, watchdog: Watchdog) {
    this.#plan = plan
    this.#environment = environment
    this.#watchdog = watchdog
    this.#scheduler = new Scheduler(plan.faults, history)
    this.#context = { stores: environment.stores, history, cookies: [], newSid: () => this.#newSid() }
  }

  /** Stores the sessions that the visitors have at the beginning. */
  async logIn(): Promise<void> {
    const { history, cookies } = this.#context
    for (const [visitor, age] of this.#plan.visitors.entries()) {
      if (age === null || !this.#plan.requests.some((request) => request.visitor === visitor)) continue
      const session = LoadedSession.create(this.#context, 0)
      const owner = this.#environment.hasOwners ? OWNERS[visitor % OWNERS.length] : undefined
      session.change({ set: ['a', 'b'], remove: [], owner }, history)
      session.setAge(age, history)
      const { sid, live } = session
      cookies[visitor] = sid
      const create = { ...session.save(), request: undefined, store: 0, sid }
      await this.#watchdog.until(callStore(this.#context, create, (store, callback) => store.set(sid, live, callback)).ended)
    }
    this.#isHolding = this.#environment.holding !== undefined
    for (const sid of this.#sids) this.#hold(sid)
  }

  /** Runs one event after the other, as the plan chooses, until all requests have ended. */
  async runRequests(): Promise<void> {
    const requests = this.#plan.requests.map((request, index) => new Request(this.#context, request, index))
    for (;;) {
      const next = this.#next(requests)
      const isWaiting = requests.some(({ isBusy }) => isBusy) || this.#hasPending()
      // If calls happen as they come, waiting for the next event is a choice, too.
      if (isWaiting && !this.#isHolding) next.unshift(() => this.#watchdog.untilChange())
      const event = next[this.#choice(next.length)]
      if (event !== undefined) await event()
      else if (isWaiting) await this.#watchdog.untilChange()
      else return
      if (this.#watchdog.isOver || this.#scheduler.count > MAX_CALLS) return
    }
  }

  /** The possible next events. Calls that have begun come first, so that without a choice they end one after the other. */
  #next(requests: readonly Request[]): (() => Promise<void>)[] {
    const events: (() => Promise<void>)[] = []
    for (const call of this.#scheduler.pending) if (this.#isDue(call)) events.push(() => this.#continue(call))
    for (const request of requests) {
      if (request.isBusy || request.isOver) continue
      events.push(() => {
        request.advance()
        return consequences()
      })
    }
    return events
  }

  #isDue({ fault, isPerformed, sid, tick }: ScheduledCall): boolean {
    if (fault !== 'late' || isPerformed) return true
    return this.#context.history.operations.some(
      (operation) => operation.sid === sid && operation.outcome === 'failed' && operation.end > tick,
    )
  }

  async #continue(call: ScheduledCall): Promise<void> {
    this.#context.history.note(call, call.isPerformed)
    if (call.isPerformed) {
      this.#scheduler.remove(call)
      call.return()
      return consequences()
    }
    await this.#watchdog.until(call.perform())
  }

  #choice(count: number): number {
    return count < 2 ? 0 : (this.#plan.choices[this.#choices++] ?? 0) % count
  }

  #hasPending(): boolean {
    return this.#context.history.operations.some(({ outcome }) => outcome === 'pending')
  }

  /** Reads every session through every store at the end, and lists the sessions of every owner. */
  async readAll(): Promise<void> {
    for (const sid of this.#sids) this.#environment.holding?.release(sid)
    this.#isHolding = false
    const { history } = this.#context
    const reads = this.#environment.stores.flatMap((_, store) => [
      ...this.#sids.map((sid) => this.#recovered(store, async () => (await getSession(this.#context, { store, sid })).operation)),
      ...(this.#environment.hasOwners ? OWNERS : []).map((owner) =>
        this.#recovered(store, () => listSessions(this.#context, { store, owner: history.ownerOf(owner) })),
      ),
    ])
    await this.#watchdog.until(Promise.all(reads))
  }

  /** A store that was disturbed may fail a few more times, and must recover then. */
  async #recovered(store: number, read: () => Promise<{ outcome: string; error?: unknown }>): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { outcome, error } = await read()
      if (outcome === 'done' || this.#environment.calm === undefined || this.#watchdog.isOver) return
      if (tries === MAX_TRIES) throw new Error(`store ${store} did not recover: ${String(error)}`)
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES))
    }
  }

  /** The storage stays small, so that no history is slower than the one before. Not awaited. */
  removeAll(): void {
    for (const sid of this.#sids) this.#environment.holding?.release(sid)
    this.#scheduler.releaseAll()
    for (const sid of this.#sids) {
      try {
        this.#environment.stores[0]!.destroy(sid, () => {})
      } catch {
        // The rules have found a store that throws.
      }
    }
  }

  #newSid(): string {
    const sid = this.#context.history.newSid()
    this.#sids.push(sid)
    if (this.#isHolding) this.#hold(sid)
    return sid
  }

  #hold(sid: string): void {
    this.#environment.holding?.hold(sid, this.#scheduler)
  }
}
