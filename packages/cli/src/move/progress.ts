import type { Memory } from './memory.ts'

/** How far a move is. All counts are of sessions. */
export interface MoveProgress {
  /** `copying`: the first round; `checking`: a further one; `following`: it waits for changes; `deleting`: from the source. */
  readonly phase: 'copying' | 'checking' | 'following' | 'deleting'
  /** Which round it is, from 1. */
  readonly round: number
  /** How many the source has listed in this round, and how many there are, where the source can count them. */
  readonly seen: number
  readonly total?: number
  /** How many a second in this round, and the milliseconds that remain of it by this rate. */
  readonly rate: number
  readonly timeLeft?: number
  /** How many sessions the last whole round found changed. So far the target is behind the source: by these, and by the time of a round. */
  readonly changes: number
  /** Whether the last round found nothing to do: what is on the source is on the target. */
  readonly isEqual: boolean
  /** Whether the application was seen to use sessions on the target. */
  readonly isTargetUsed: boolean
  /** The error that interrupted the last round of a move with `watch`, which tries again. */
  readonly problem?: string

  /** Stored on the target, where there was none. */
  readonly copied: number
  /** Stored on the target, in place of an earlier version or expiry. */
  readonly updated: number
  /** Ended on the target, because they were ended on the source. */
  readonly ended: number
  /** On the target already when the move first looked. */
  readonly skipped: number
  /** On the target in a version of the application's own, or ended there. They are left alone. */
  readonly newer: number
  /** On the target in a version that may be older. They are left alone: see `mirror`. */
  readonly differing: number
  /** What the target cannot hold. */
  readonly refused: number
  /** The target's reason for the first of them. */
  readonly refusal?: string
  /** Listed in this round by the source, and expired or no sessions. They are not copied. */
  readonly expired: number
  readonly corrupt: number
  /** Deleted from the source. */
  readonly deleted: number
}

/** The shortest time between two reports, in milliseconds. */
const REPORT_INTERVAL = 100

/** Counts, and reports. */
export class Tally {
  readonly #memory: Memory
  readonly #onProgress: ((progress: MoveProgress) => void) | undefined
  #reportedAt = Number.NEGATIVE_INFINITY
  #began = performance.now()
  phase: MoveProgress['phase'] = 'copying'
  round = 0
  seen = 0
  total: number | undefined
  changes = 0
  isEqual = false
  isTargetUsed = false
  problem: string | undefined
  copied = 0
  updated = 0
  ended = 0
  skipped = 0
  refusal: string | undefined
  expired = 0
  corrupt = 0
  deleted = 0

  constructor(memory: Memory, onProgress?: (progress: MoveProgress) => void) {
    this.#memory = memory
    this.#onProgress = onProgress
  }

  beginRound(): void {
    this.round++
    this.phase = this.round === 1 ? 'copying' : 'checking'
    this.seen = 0
    this.expired = 0
    this.corrupt = 0
    this.#began = performance.now()
  }

  /** Calls `onProgress`, unless it was called a moment ago. */
  report(isForced = false): void {
    const now = performance.now()
    if (!isForced && now - this.#reportedAt < REPORT_INTERVAL) return
    this.#reportedAt = now
    this.#onProgress?.(this.progress())
  }

  progress(): MoveProgress {
    const { phase, round, seen, changes, isEqual, isTargetUsed, copied, updated, ended, skipped, expired, corrupt, deleted } =
      this
    const { total, problem, refusal } = this
    const seconds = (performance.now() - this.#began) / 1_000
    const rate = seconds > 0 ? seen / seconds : 0
    const { newer, differing, refused } = this.#memory.counts
    return {
      ...{ phase, round, seen, rate, changes, isEqual, isTargetUsed },
      ...(total !== undefined && { total, ...(rate > 0 && { timeLeft: (Math.max(0, total - seen) / rate) * 1_000 }) }),
      ...(problem !== undefined && { problem }),
      ...{ copied, updated, ended, skipped, newer, differing, refused },
      ...(refusal !== undefined && { refusal }),
      ...{ expired, corrupt, deleted },
    }
  }
}
