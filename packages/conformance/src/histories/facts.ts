import type { Field, Operation } from './history.ts'

/** Under which circumstances a history ran. */
export interface Circumstances {
  /** Whether an operation may fail: because of a fault that the history asked for. */
  readonly mayFail: boolean
  /** Whether an operation that failed may still happen afterwards: a call of the bank was pending at the store's time-out. */
  readonly mayHappenLate: boolean
  /** The greatest difference of the clocks that decide about expiry, in milliseconds. */
  readonly clocks: number
  /** By how much stores may round an expiry, in milliseconds: some count in seconds. */
  readonly rounding: number
}

/** An operation that writes an expiry. */
export type Write = Operation & { expires: number }

/** The operations on one session, by kind, and which of them surely happened before which. */
export class Facts {
  readonly circumstances: Circumstances
  readonly gets: readonly Operation[]
  readonly creates: readonly Write[]
  /** All that write an expiry. */
  readonly writes: readonly Write[]
  /** Those that may be merged with writes of others. */
  readonly merging: readonly Write[]
  readonly destroys: readonly Operation[]
  /** The lists of an owner's sessions. */
  readonly lists: readonly Operation[]
  /** The operations that end an owner's sessions, and may have ended this one. */
  readonly ends: readonly Operation[]

  constructor(sid: string, operations: readonly Operation[], circumstances: Circumstances) {
    const own = operations.filter((operation) => operation.sid === sid)
    const ofKind = (...kinds: Operation['kind'][]) => own.filter(({ kind }) => kinds.includes(kind))
    this.circumstances = circumstances
    this.gets = ofKind('get')
    this.creates = ofKind('create', 'create again') as Write[]
    this.writes = ofKind('create', 'create again', 'update', 'touch') as Write[]
    this.merging = this.writes.filter(({ kind }) => kind === 'create again' || kind === 'update')
    this.destroys = ofKind('destroy')
    this.lists = operations.filter(({ kind }) => kind === 'list sessions')
    this.ends = operations.filter(
      (operation) =>
        operation.kind === 'end sessions' &&
        operation.except !== sid &&
        this.writes.some((write) => write.begin < operation.end && write.values?.owner === operation.owner),
    )
  }

  /** Whether `first` had happened, if it ever does, when `second` began. */
  before(first: Operation, second: Operation): boolean {
    return this.endedBefore(first, second.begin)
  }

  endedBefore({ end, outcome }: Operation, tick: number): boolean {
    return end < tick && !(outcome === 'failed' && this.circumstances.mayHappenLate)
  }

  /** The operations that write this field. */
  writesOf(field: Field): Write[] {
    return this.writes.filter((write) => doesWrite(write, field))
  }

  /** Whether the session may have been removed, other than by its expiry. */
  get mayBeDestroyed(): boolean {
    return this.destroys.length > 0 || this.ends.length > 0
  }
}

/** Whether the operation writes this field, if it is not dropped. */
export function doesWrite({ kind, values }: Operation, field: Field): boolean {
  return kind === 'create' || (values !== undefined && Object.hasOwn(values, field))
}
