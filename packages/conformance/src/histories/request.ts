import type { Operation } from './chronicle.ts'
import { ask, Held, look, valuesOf, type World } from './held.ts'
import type { RequestPlan, Step } from './plan.ts'

/** How long after a death everybody knows of it, in milliseconds. */
const AFTERWARDS = 4

/** One request: loads the visitor's session as express-session does, then goes through its steps. */
export class Request {
  readonly #world: World
  readonly #plan: RequestPlan
  readonly #index: number
  readonly #store: number
  #held: Held | undefined
  #next = 0
  /** Whether it waits for the store. */
  isBusy = false
  isOver = false

  constructor(world: World, plan: RequestPlan, index: number) {
    this.#world = world
    this.#plan = plan
    this.#index = index
    this.#store = plan.store % world.stores.length
  }

  /** Takes the next step. */
  advance(): void {
    const step = this.#plan.steps[this.#next - 1]
    this.isBusy = true
    const work = this.#next++ === 0 ? this.#load() : this.#take(step!)
    const end = (): void => {
      this.isBusy = false
      this.isOver ||= this.#next > this.#plan.steps.length
      this.#world.chronicle.onChange()
    }
    work.then(end, (error) => {
      this.#world.chronicle.failures.push(error)
      end()
    })
  }

  async #load(): Promise<void> {
    const sid = this.#world.cookies[this.#plan.visitor]
    if (sid === undefined) this.#held = Held.fresh(this.#world, this.#store)
    else await this.#get(sid)
  }

  /** Without a session, express-session makes a new one; without an answer, the request fails. */
  async #get(sid: string): Promise<void> {
    const { operation, data } = await look(this.#world, { request: this.#index, store: this.#store, sid })
    if (operation.outcome === 'failed') this.isOver = true
    else if (data === null) this.#held = Held.fresh(this.#world, this.#store)
    else {
      const store = this.#world.stores[this.#store]!
      const session = store.createSession({ sessionID: sid, sessionStore: store }, data)
      this.#held = new Held(sid, session, operation.begin)
    }
  }

  async #take({ set, remove, lifetime, deed }: Step): Promise<void> {
    const held = this.#held!
    held.change(set, remove, () => this.#world.chronicle.newValue())
    if (lifetime !== 'kept') held.age(lifetime, this.#world.chronicle)
    switch (deed) {
      case 'save':
        return this.#save(held)
      case 'save and go on': {
        const saved = this.#save(held)
        return held.knownSince === undefined ? saved : undefined
      }
      case 'touch':
        return this.#touch(held)
      case 'reload':
        return this.#get(held.sid)
      case 'destroy':
        return this.#destroy(held)
      case 'regenerate':
        await this.#destroy(held)
        this.#held = Held.fresh(this.#world, this.#store)
        return
      case 'clean up':
        return this.#cleanUp()
      case 'wait':
        return this.#wait()
    }
  }

  async #save(held: Held): Promise<void> {
    const { sid, live, expires, knownSince } = held
    const isNew = knownSince === undefined
    const what =
      isNew && !held.isTried
        ? { kind: 'create' as const, values: valuesOf(live) }
        : { ...(isNew ? { kind: 'create again' as const } : { kind: 'update' as const, knownSince }), ...held.changes() }
    const { operation, ended } = ask(this.#world, this.#of({ ...what, sid, expires }), (store, callback) =>
      store.set(sid, live, callback),
    )
    held.began(operation)
    // The browser has the cookie before the session is saved: the head of the response does not wait.
    if (isNew) this.#world.cookies[this.#plan.visitor] = sid
    await ended
    held.ended(operation)
  }

  async #touch(held: Held): Promise<void> {
    const { sid, live, expires, knownSince, isYielding } = held
    if (this.#world.stores[this.#store]!.touch === undefined) return
    const known = knownSince === undefined ? {} : { knownSince }
    const { ended } = ask(
      this.#world,
      this.#of({ kind: 'touch' as const, sid, expires, isYielding, ...known }),
      (store, callback) => store.touch!(sid, live, callback),
    )
    held.touched()
    await ended
  }

  async #destroy({ sid }: Held): Promise<void> {
    const { ended } = ask(this.#world, this.#of({ kind: 'destroy', sid }), (store, callback) => store.destroy(sid, callback))
    await ended
  }

  /** Frees the dead, if the store can be asked for that. */
  async #cleanUp(): Promise<void> {
    type Cleaner = { cleanup?: (callback: (error?: unknown) => void) => void }
    if (typeof (this.#world.stores[this.#store] as Cleaner).cleanup !== 'function') return
    const { ended } = ask(this.#world, this.#of({ kind: 'clean up', sid: '' }), (store, callback) =>
      (store as Cleaner).cleanup!(callback),
    )
    await ended
  }

  /** Until all that was to live shortly is dead, by everybody's clock. */
  async #wait(): Promise<void> {
    const now = Date.now()
    const deaths = this.#world.chronicle.operations.map(({ expires }) => expires ?? 0).filter((expires) => expires < now + 1_000)
    const last = Math.max(...deaths)
    while (Date.now() <= last + AFTERWARDS) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  #of<What extends object>(what: What): What & Pick<Operation, 'request' | 'store'> {
    return { ...what, request: this.#index, store: this.#store }
  }
}
