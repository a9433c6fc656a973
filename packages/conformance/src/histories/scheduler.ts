import { type Bank, DatabankError, extend, type Layer } from 'connect-databank/backend'
import { type Deferred, deferred } from '../gate.ts'
import type { History } from './history.ts'
import type { Fault } from './plan.ts'

/** The methods whose calls are held: those that concern one session. */
const HELD = ['read', 'save', 'delete', 'touch', 'swap'] as const

/** Layers whose calls histories hold. Calls for sessions of no history pass. */
export class HoldingLayer {
  readonly #schedulers = new Map<string, Scheduler>()
  /** Whether the layer was put on a bank: only then can calls be ordered. */
  isUsed = false

  readonly layer: Layer = (bank) => {
    this.isUsed = true
    const overrides: Record<string, unknown> = {}
    for (const name of HELD) if (bank[name] !== undefined) overrides[name] = this.#holding(bank, name)
    return extend(bank, overrides)
  }

  /** From now on, this scheduler holds the calls that concern this session. */
  hold(sid: string, scheduler: Scheduler): void {
    this.#schedulers.set(sid, scheduler)
  }

  release(sid: string): void {
    this.#schedulers.delete(sid)
  }

  #holding(bank: Bank, method: (typeof HELD)[number]): (...args: [string, ...unknown[]]) => Promise<unknown> {
    const call = (bank[method] as (...args: unknown[]) => Promise<unknown>).bind(bank)
    return (...args) => {
      const scheduler = this.#schedulers.get(args[0])
      return scheduler === undefined ? call(...args) : scheduler.add(method, args[0], () => call(...args))
    }
  }
}

/** A call that waits for its execution, or for the return of its result. */
export interface ScheduledCall {
  readonly number: number
  readonly method: string
  readonly sid: string
  readonly fault: Fault['kind'] | undefined
  /** When it was made. */
  readonly tick: number
  /** Whether it was executed, or failed before. */
  isPerformed: boolean
  /** Executes it. Resolves, and never rejects, when it has ended. */
  perform(): Promise<void>
  /** Returns its result to the caller. */
  return(): void
}

/** The calls of the bank that one history holds. */
export class Scheduler {
  readonly pending: ScheduledCall[] = []
  readonly #faults: ReadonlyMap<number, Fault['kind']>
  readonly #history: History
  /** How many calls there were. */
  count = 0

  constructor(faults: readonly Fault[], history: History) {
    this.#faults = new Map(faults.map(({ call, kind }) => [call, kind]))
    this.#history = history
  }

  add(method: string, sid: string, perform: () => Promise<unknown>): Promise<unknown> {
    const number = this.count++
    const result = deferred<unknown>()
    const fault = this.#faults.get(number)
    const { tick } = this.#history
    this.pending.push(scheduledCall({ number, method, sid, fault, tick }, perform, result))
    this.#history.onChange()
    return result.promise
  }

  /** Executes all pending calls, and returns their results. */
  releaseAll(): void {
    for (const call of this.pending.splice(0)) {
      if (call.isPerformed) call.return()
      else void call.perform().then(() => call.return())
    }
  }

  remove(call: ScheduledCall): void {
    this.pending.splice(this.pending.indexOf(call), 1)
  }
}

function scheduledCall(
  what: Pick<ScheduledCall, 'number' | 'method' | 'sid' | 'fault' | 'tick'>,
  perform: () => Promise<unknown>,
  result: Deferred<unknown>,
): ScheduledCall {
  let deliver = (): void => {}
  return {
    ...what,
    isPerformed: false,
    async perform() {
      this.isPerformed = true
      if (what.fault !== 'before') {
        try {
          const value = await perform()
          deliver = () => result.resolve(value)
        } catch (error) {
          deliver = () => result.reject(error)
        }
      }
      if (what.fault === 'before' || what.fault === 'after') {
        const message = `a fault of the history, ${what.fault} ${what.method}`
        const error = new DatabankError('DATABANK_UNAVAILABLE', message)
        deliver = () => result.reject(error)
      }
    },
    return: () => deliver(),
  }
}
