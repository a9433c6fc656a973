import { type Context, callStore, getSession, listSessions } from './context.ts'
import type { Operation } from './history.ts'
import { LoadedSession } from './loaded-session.ts'
import type { Owner, RequestPlan, Step } from './plan.ts'

/** How long after an expiry every clock has passed it, in milliseconds. */
const AFTERWARDS = 4

/** One request: loads the visitor's session as express-session does, and then takes its steps. */
export class Request {
  readonly #context: Context
  readonly #plan: RequestPlan
  readonly #index: number
  readonly #store: number
  #session: LoadedSession | undefined
  #next = 0
  /** Whether it waits for the store. */
  isBusy = false
  isOver = false

  constructor(context: Context, plan: RequestPlan, index: number) {
    this.#context = context
    this.#plan = plan
    this.#index = index
    this.#store = plan.store % context.stores.length
  }

  /** Takes the next step. */
  advance(): void {
    const step = this.#plan.steps[this.#next - 1]
    this.isBusy = true
    const work = this.#next++ === 0 ? this.#load() : this.#take(step!)
    const end = (): void => {
      this.isBusy = false
      this.isOver ||= this.#next > this.#plan.steps.length
      this.#context.history.onChange()
    }
    work.then(end, (error) => {
      this.#context.history.failures.push(error)
      end()
    })
  }

  async #load(): Promise<void> {
    const sid = this.#context.cookies[this.#plan.visitor]
    if (sid === undefined) this.#session = LoadedSession.create(this.#context, this.#store)
    else await this.#get(sid)
  }

  /** If the session is missing, express-session makes a new one; after an error, the request ends. */
  async #get(sid: string): Promise<void> {
    const { operation, data } = await getSession(this.#context, { request: this.#index, store: this.#store, sid })
    if (operation.outcome === 'failed') this.isOver = true
    else if (data === null) this.#session = LoadedSession.create(this.#context, this.#store)
    else {
      const store = this.#context.stores[this.#store]!
      const session = store.createSession({ sessionID: sid, sessionStore: store }, data)
      this.#session = new LoadedSession(sid, session, true)
    }
  }

  async #take(step: Step): Promise<void> {
    const session = this.#session!
    session.change(step, this.#context.history)
    session.setAge(step.age, this.#context.history)
    switch (step.action) {
      case 'save':
        return this.#save(session)
      case 'save without waiting': {
        const saved = this.#save(session)
        return session.isConfirmed ? undefined : saved
      }
      case 'touch':
        return this.#touch(session)
      case 'reload':
        return this.#get(session.sid)
      case 'destroy':
        return this.#destroy(session)
      case 'regenerate':
        await this.#destroy(session)
        this.#session = LoadedSession.create(this.#context, this.#store)
        return
      case 'clean up':
        return this.#cleanUp()
      case 'wait':
        return this.#wait()
      case 'list sessions':
        await listSessions(this.#context, { request: this.#index, store: this.#store, owner: this.#owner(step.user) })
        return
      case 'end sessions':
        return this.#endSessions(step.user)
      case 'end other sessions':
        return this.#endSessions(step.user, session.sid)
    }
  }

  async #save(session: LoadedSession): Promise<void> {
    const { sid, live } = session
    const { operation, ended } = callStore(this.#context, this.#of({ ...session.save(), sid }), (store, callback) =>
      store.set(sid, live, callback),
    )
    session.began(operation)
    // The browser has the cookie before the session is saved: the head of the response does not wait.
    if (!session.isConfirmed) this.#context.cookies[this.#plan.visitor] = sid
    await ended
    session.ended(operation)
  }

  async #touch(session: LoadedSession): Promise<void> {
    const { sid, live } = session
    if (this.#context.stores[this.#store]!.touch === undefined) return
    const { operation, ended } = callStore(this.#context, this.#of({ ...session.touch(), sid }), (store, callback) =>
      store.touch!(sid, live, callback),
    )
    session.began(operation)
    await ended
    session.ended(operation)
  }

  async #destroy({ sid }: LoadedSession): Promise<void> {
    const { ended } = callStore(this.#context, this.#of({ kind: 'destroy', sid }), (store, callback) =>
      store.destroy(sid, callback),
    )
    await ended
  }

  async #endSessions(user: Owner | undefined, except?: string): Promise<void> {
    const owner = this.#owner(user)
    const what = this.#of({ kind: 'end sessions' as const, sid: '', owner, except })
    const { ended } = callStore(this.#context, what, (store, callback) => {
      store.destroySessionsOf!(owner, except === undefined ? {} : { except }).then((count) => callback(null, count), callback)
    })
    await ended
  }

  /** Deletes expired sessions, if the store has a method for that. */
  async #cleanUp(): Promise<void> {
    if (typeof this.#context.stores[this.#store]!.cleanup !== 'function') return
    const { ended } = callStore(this.#context, this.#of({ kind: 'clean up', sid: '' }), (store, callback) =>
      store.cleanup!(callback),
    )
    await ended
  }

  /** Until all short sessions have expired, by every clock. */
  async #wait(): Promise<void> {
    const now = Date.now()
    const expiries = this.#context.history.operations
      .map(({ expires }) => expires ?? 0)
      .filter((expires) => expires < now + 1_000)
    const last = Math.max(...expiries)
    while (Date.now() <= last + AFTERWARDS) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  #owner(user: Owner | undefined): string {
    return this.#context.history.ownerOf(user ?? 'ada')
  }

  #of<What extends object>(what: What): What & Pick<Operation, 'request' | 'store'> {
    return { ...what, request: this.#index, store: this.#store }
  }
}
