import type { Memory } from './memory.ts'

/** The progress of a move. All counts are numbers of sessions. */
export interface MoveProgress {
  /** `copying`: the first round; `checking`: a further one; `following`: it waits for changes; `deleting`: from the source. */
  readonly phase: 'copying' | 'checking' | 'following' | 'deleting'
  /** Which round it is, from 1. */
  readonly round: number
  /** How many the source has listed in this round, and how many it has, if it can count them. */
  readonly seen: number
  readonly total?: number
  /** How many a second in this round, and the remaining milliseconds of the round at this rate. */
  readonly rate: number
  readonly timeLeft?: number
  /** How many changed sessions the last full round found. The target is late by these changes, and by the time of a round. */
  readonly changes: number
  /** Whether the last round found nothing to do: the target has all sessions of the source. */
  readonly isEqual: boolean
  /** Whether the application has used sessions on the target. */
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
  /** Changed or ended by the application on the target. They stay so. */
  readonly newer: number
  /** On the target in a version that may be older. They stay: see `mirror`. */
  readonly differing: number
  /** Sessions that the target cannot hold. */
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

  /** Calls `onProgress`, unless the last call was too recent. */
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
