import { type Bank, DatabankError, type Layer } from 'connect-databank/backend'
import { type Deferred, deferred } from '../gate.ts'
import type { Chronicle } from './chronicle.ts'
import type { Fault } from './plan.ts'

/** The methods whose calls are held: those that concern one session. */
const held = ['read', 'save', 'delete', 'touch', 'swap'] as const
type Held = (typeof held)[number]
const passed = ['readMany', 'touchMany', 'scan', 'idsOf', 'count', 'clear', 'purge', 'open', 'close'] as const

/**
 * Layers whose calls a history may hold, to let them happen in an order of its choice. The sessions that no history has laid
 * claim to pass.
 */
export class Calls {
  readonly #desks = new Map<string, Desk>()
  /** Whether the layer was put on a bank: only then can calls be ordered. */
  isUsed = false

  readonly layer: Layer = (bank) => {
    this.isUsed = true
    const layered: Record<string, unknown> = {}
    for (const name of passed) if (bank[name] !== undefined) layered[name] = (bank[name] as () => unknown).bind(bank)
    for (const name of held) if (bank[name] !== undefined) layered[name] = this.#holding(bank, name)
    return layered as unknown as Bank
  }

  /** From now on, calls that concern this session come to this desk. */
  claim(sid: string, desk: Desk): void {
    this.#desks.set(sid, desk)
  }

  release(sid: string): void {
    this.#desks.delete(sid)
  }

  #holding(bank: Bank, method: Held): (...args: [string, ...unknown[]]) => Promise<unknown> {
    const call = (bank[method] as (...args: unknown[]) => Promise<unknown>).bind(bank)
    return (...args) => {
      const desk = this.#desks.get(args[0])
      return desk === undefined ? call(...args) : desk.take(method, args[0], () => call(...args))
    }
  }
}

/** A call that waits to happen, or whose answer waits to be given. */
export interface StandingCall {
  readonly number: number
  readonly method: string
  readonly sid: string
  readonly fault: Fault['kind'] | undefined
  /** When it came. */
  readonly tick: number
  /** Whether it has happened, or failed before it could. */
  isPerformed: boolean
  /** Lets it happen; resolves (never rejects) when it has. */
  perform(): Promise<void>
  /** Gives its answer to who called. */
  answer(): void
}

/** Where the calls of one history stand. */
export class Desk {
  readonly standing: StandingCall[] = []
  readonly #faults: ReadonlyMap<number, Fault['kind']>
  readonly #chronicle: Chronicle
  /** How many calls have come. */
  count = 0

  constructor(faults: readonly Fault[], chronicle: Chronicle) {
    this.#faults = new Map(faults.map(({ call, kind }) => [call, kind]))
    this.#chronicle = chronicle
  }

  take(method: string, sid: string, perform: () => Promise<unknown>): Promise<unknown> {
    const number = this.count++
    const answer = deferred<unknown>()
    const fault = this.#faults.get(number)
    const { tick } = this.#chronicle
    this.standing.push(standingCall({ number, method, sid, fault, tick }, perform, answer))
    this.#chronicle.onChange()
    return answer.promise
  }

  /** Lets happen what stands here. */
  letGo(): void {
    for (const call of this.standing.splice(0)) {
      if (call.isPerformed) call.answer()
      else void call.perform().then(() => call.answer())
    }
  }

  remove(call: StandingCall): void {
    this.standing.splice(this.standing.indexOf(call), 1)
  }
}

function standingCall(
  what: Pick<StandingCall, 'number' | 'method' | 'sid' | 'fault' | 'tick'>,
  perform: () => Promise<unknown>,
  answer: Deferred<unknown>,
): StandingCall {
  let give = (): void => {}
  return {
    ...what,
    isPerformed: false,
    async perform() {
      this.isPerformed = true
      if (what.fault !== 'before') {
        try {
          const value = await perform()
          give = () => answer.resolve(value)
        } catch (error) {
          give = () => answer.reject(error)
        }
      }
      if (what.fault === 'before' || what.fault === 'after') {
        const error = new DatabankError(
          'DATABANK_UNAVAILABLE',
          `a fault that the history asked for, ${what.fault} ${what.method}`,
        )
        give = () => answer.reject(error)
      }
    },
    answer: () => give(),
  }
}
