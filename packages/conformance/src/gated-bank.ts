import type { Bank } from 'connect-databank'
import { type Deferred, deferred } from './gate.ts'

/** The name of a method of a bank that gives a promise, and so can be held. */
export type HeldMethod = Exclude<keyof Bank, 'scan'>

/** A call that stands at the gate. */
export interface HeldCall {
  readonly method: HeldMethod
  readonly args: readonly unknown[]
  /** Does it now, but keeps its answer at the gate; resolves (never rejects) when the bank has answered. */
  perform(): Promise<void>
  /** Does it, unless `perform` has, and gives the answer to the caller; resolves (never rejects) when the caller has it. */
  release(): Promise<void>
  /** Gives the caller this error; the bank is not asked, unless `perform` has. */
  fail(error: unknown): void
}

/** A bank whose calls can be held. */
export interface GatedBank extends Bank {
  /** From now on, calls of these methods wait at the gate. */
  hold(...methods: HeldMethod[]): void
  /** The next call of this method that comes to the gate, or stands there already; each is given once. */
  held(method: HeldMethod): Promise<HeldCall>
  /** How many calls of this method have come, held or not. */
  calls(method: HeldMethod): number
  /** Holds nothing more, and lets go whatever stands at the gate. */
  letGo(): void
}

/**
 * A layer that holds the named calls of a bank until they are let go, in whatever order: the way to force a race.
 *
 * @example
 * const bank = gatedBank(new MemoryBank())
 * bank.hold('swap')
 * const late = store.set(sid, session)
 * const call = await bank.held('swap') // it is there, and has not happened
 * await other(bank)
 * await call.release()
 */
export function gatedBank(bank: Bank): GatedBank {
  return new Proxy(bank, new Turnstile(bank)) as unknown as GatedBank
}

type Controls = Omit<GatedBank, keyof Bank>

class Turnstile implements ProxyHandler<Bank> {
  readonly #bank: Bank
  readonly #methods = new Set<HeldMethod>()
  readonly #standing = new Set<HeldCall>()
  readonly #unclaimed = new Map<HeldMethod, HeldCall[]>()
  readonly #waiting = new Map<HeldMethod, ((call: HeldCall) => void)[]>()
  readonly #counts = new Map<HeldMethod, number>()
  readonly #controls: Controls = {
    hold: (...methods: HeldMethod[]) => {
      for (const method of methods) this.#methods.add(method)
    },
    held: (method: HeldMethod) => this.#next(method),
    calls: (method: HeldMethod) => this.#counts.get(method) ?? 0,
    letGo: () => {
      this.#methods.clear()
      this.#unclaimed.clear()
      for (const call of this.#standing) void call.release()
    },
  }

  constructor(bank: Bank) {
    this.#bank = bank
  }

  get(_target: Bank, name: string | symbol): unknown {
    if (Object.hasOwn(this.#controls, name)) return this.#controls[name as keyof Controls]
    const member = Reflect.get(this.#bank, name)
    if (typeof member !== 'function') return member
    if (name === 'scan') return member.bind(this.#bank)
    return (...args: unknown[]) => this.#call(name as HeldMethod, args, () => member.apply(this.#bank, args))
  }

  #call(method: HeldMethod, args: unknown[], perform: () => Promise<unknown>): Promise<unknown> {
    this.#counts.set(method, (this.#counts.get(method) ?? 0) + 1)
    if (!this.#methods.has(method)) return perform()
    const answer = deferred<unknown>()
    const call: HeldCall = heldCall(method, args, perform, answer, () => this.#standing.delete(call))
    this.#standing.add(call)
    const claim = this.#waiting.get(method)?.shift()
    if (claim === undefined) this.#unclaimed.set(method, [...(this.#unclaimed.get(method) ?? []), call])
    else claim(call)
    return answer.promise
  }

  #next(method: HeldMethod): Promise<HeldCall> {
    const call = this.#unclaimed.get(method)?.shift()
    if (call !== undefined) return Promise.resolve(call)
    return new Promise((claim) => this.#waiting.set(method, [...(this.#waiting.get(method) ?? []), claim]))
  }
}

function heldCall(
  method: HeldMethod,
  args: readonly unknown[],
  perform: () => Promise<unknown>,
  answer: Deferred<unknown>,
  leave: () => void,
): HeldCall {
  let performed: Promise<unknown> | undefined
  const once = (): Promise<unknown> => {
    performed ??= (async () => perform())()
    return performed
  }
  const quietly = (promise: Promise<unknown>): Promise<void> =>
    promise.then(
      () => {},
      () => {},
    )
  return {
    method,
    args,
    perform: () => quietly(once()),
    release: () => {
      leave()
      once().then(answer.resolve, answer.reject)
      return quietly(answer.promise)
    },
    fail: (error) => {
      leave()
      answer.reject(error)
    },
  }
}
