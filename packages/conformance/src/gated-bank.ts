import type { Bank, BankMethod } from 'connect-databank/backend'
import { type Deferred, deferred } from './gate.ts'

/** The name of a method of a bank whose calls can be held: each that returns a promise. */
export type GatedMethod = Exclude<BankMethod, 'scan' | 'idsOf'>

/** A call that waits at the gate. */
export interface PendingCall {
  readonly method: GatedMethod
  readonly args: readonly unknown[]
  /** Calls the bank now, and holds the result. Resolves, and never rejects, when the bank has returned it. */
  perform(): Promise<void>
  /** Calls the bank unless `perform` has, and gives the caller the result. Resolves, and never rejects, when the caller has it. */
  release(): Promise<void>
  /** Rejects the caller's promise with this error. The bank is not called, unless `perform` has. */
  fail(error: unknown): void
}

/** A bank whose calls can be held. */
export interface GatedBank extends Bank {
  /** From now on, calls of these methods wait at the gate. */
  hold(...methods: GatedMethod[]): void
  /** The next call of this method that waits at the gate, now or later. Each call is returned once. */
  held(method: GatedMethod): Promise<PendingCall>
  /** How many calls of this method there were, held or not. */
  calls(method: GatedMethod): number
  /** Holds no more calls, and releases all that wait at the gate. */
  releaseAll(): void
}

/**
 * A layer that holds calls of a bank until they are released, in any order, to force a race.
 *
 * @example
 * const bank = gatedBank(new MemoryBank())
 * bank.hold('swap')
 * const late = store.set(sid, session)
 * const call = await bank.held('swap') // the call waits
 * await other(bank)
 * await call.release()
 */
export function gatedBank(bank: Bank): GatedBank {
  return new Proxy(bank, new GateHandler(bank)) as unknown as GatedBank
}

type Controls = Omit<GatedBank, keyof Bank>

class GateHandler implements ProxyHandler<Bank> {
  readonly #bank: Bank
  readonly #gated = new Set<GatedMethod>()
  readonly #pending = new Set<PendingCall>()
  readonly #unclaimed = new Map<GatedMethod, PendingCall[]>()
  readonly #claims = new Map<GatedMethod, ((call: PendingCall) => void)[]>()
  readonly #counts = new Map<GatedMethod, number>()
  readonly #controls: Controls = {
    hold: (...methods) => {
      for (const method of methods) this.#gated.add(method)
    },
    held: (method) => this.#next(method),
    calls: (method) => this.#counts.get(method) ?? 0,
    releaseAll: () => this.#releaseAll(),
  }

  constructor(bank: Bank) {
    this.#bank = bank
  }

  get(_target: Bank, name: string | symbol): unknown {
    if (Object.hasOwn(this.#controls, name)) return this.#controls[name as keyof Controls]
    const member = Reflect.get(this.#bank, name)
    if (typeof member !== 'function') return member
    if (name === 'scan' || name === 'idsOf') return member.bind(this.#bank)
    return (...args: unknown[]) => this.#call(name as GatedMethod, args, () => member.apply(this.#bank, args))
  }

  #call(method: GatedMethod, args: unknown[], perform: () => Promise<unknown>): Promise<unknown> {
    this.#counts.set(method, (this.#counts.get(method) ?? 0) + 1)
    if (!this.#gated.has(method)) return perform()
    const result = deferred<unknown>()
    const call: PendingCall = pendingCall(method, args, perform, result, () => this.#pending.delete(call))
    this.#pending.add(call)
    const claim = this.#claims.get(method)?.shift()
    if (claim === undefined) this.#unclaimed.set(method, [...(this.#unclaimed.get(method) ?? []), call])
    else claim(call)
    return result.promise
  }

  #next(method: GatedMethod): Promise<PendingCall> {
    const call = this.#unclaimed.get(method)?.shift()
    if (call !== undefined) return Promise.resolve(call)
    return new Promise((claim) => this.#claims.set(method, [...(this.#claims.get(method) ?? []), claim]))
  }

  #releaseAll(): void {
    this.#gated.clear()
    this.#unclaimed.clear()
    for (const call of this.#pending) void call.release()
  }
}

function pendingCall(
  method: GatedMethod,
  args: readonly unknown[],
  perform: () => Promise<unknown>,
  result: Deferred<unknown>,
  end: () => void,
): PendingCall {
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
      end()
      once().then(result.resolve, result.reject)
      return quietly(result.promise)
    },
    fail: (error) => {
      end()
      result.reject(error)
    },
  }
}
