import type { Stored } from 'connect-databank/backend'
import { versionOf } from 'connect-databank/backend'
import { fingerprintOf, hashOf } from './content.ts'

/**
 * The state of a session of the source on the target:
 *
 * - `same`: the target has the move's session, or had the same before.
 * - `newer`: the application has changed or ended it on the target. The target's state stays.
 * - `differing`: an earlier run, or the application, has stored another one on the target. Which of them is unknown.
 * - `refused`: the target cannot hold it.
 */
export type State = 'same' | 'newer' | 'differing' | 'refused'

/** The facts about one session. */
export interface Known {
  readonly state: State
  /** The id on the source. */
  readonly sourceId: string
  /** A hash of the version that the source had. */
  readonly version: string
  readonly owner: string | null
  /** The last known expiry on the source. The target got the same expiry. */
  readonly expires: number | null
  /** The expiry on the target that the move last read or wrote there. */
  readonly targetExpires: number | null
  /** The fingerprint of the session that the move wrote on the target; undefined if it wrote none. */
  readonly written: string | undefined
  /** The fingerprint of a write that failed, and may have been stored. */
  readonly unconfirmed: string | undefined
  /** The last round in which the source listed it. */
  readonly round: number
}

/** The facts about the source's sessions in one run, by their ids on the target. About 200 bytes a session, without payloads. */
export class Memory {
  readonly #sessions = new Map<string, Known>()
  readonly #counts: Record<State, number> = { same: 0, newer: 0, differing: 0, refused: 0 }

  get counts(): Readonly<Record<State, number>> {
    return this.#counts
  }

  get(id: string): Known | undefined {
    return this.#sessions.get(id)
  }

  has(id: string): boolean {
    return this.#sessions.has(id)
  }

  set(id: string, known: Known): void {
    const before = this.#sessions.get(id)
    if (before !== undefined) this.#counts[before.state]--
    this.#counts[known.state]++
    this.#sessions.set(id, known)
  }

  forget(id: string): void {
    const before = this.#sessions.get(id)
    if (before === undefined) return
    this.#counts[before.state]--
    this.#sessions.delete(id)
  }

  /** The sessions that the source has not listed in this round. Others may be forgotten meanwhile. */
  *unlisted(round: number): Generator<readonly [id: string, known: Known]> {
    for (const entry of this.#sessions) if (entry[1].round !== round) yield entry
  }
}

/** Whether the source's session is unchanged since it was last read. */
export function isUnchanged(known: Known, source: Stored): boolean {
  return known.expires === source.expires && known.owner === (source.owner ?? null) && known.version === hashOf(versionOf(source))
}

/** Whether the target holds exactly the move's session, apart from its expiry. */
export function isAsWritten({ written, unconfirmed }: Known, target: Stored): boolean {
  const fingerprint = target.corrupt === undefined ? fingerprintOf(target.payload) : undefined
  return fingerprint !== undefined && (fingerprint === written || fingerprint === unconfirmed)
}
