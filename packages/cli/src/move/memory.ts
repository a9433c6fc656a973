import type { Stored } from 'connect-databank/backend'
import { versionOf } from 'connect-databank/backend'
import { fingerprintOf, hashOf } from './content.ts'

/**
 * What has become of a session of the source:
 *
 * - `same`: the target holds what the move wrote, or held the same before.
 * - `newer`: the application has changed or ended it on the target. It belongs to the target now.
 * - `differing`: an earlier run, or the application, has stored something else on the target. Nobody can tell which.
 * - `refused`: the target cannot hold it.
 */
export type State = 'same' | 'newer' | 'differing' | 'refused'

/** What is known of one session. */
export interface Known {
  readonly state: State
  /** The id on the source. */
  readonly sourceId: string
  /** A hash of the version that the source had. */
  readonly version: string
  readonly owner: string | null
  /** When the session expired, by what the source said last. The target was given the same expiry. */
  readonly expires: number | null
  /** When it expired on the target, by what the move has read or written there last. */
  readonly targetExpires: number | null
  /** The fingerprint of what the target was given; undefined if it was given nothing. */
  readonly written: string | undefined
  /** The fingerprint of a write that failed, and may have been stored. */
  readonly unconfirmed: string | undefined
  /** The last round in which the source listed it. */
  readonly round: number
}

/** What is known of the source's sessions in one run, by their ids on the target. About 200 bytes a session; no payload. */
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

/** Whether the source's session is as it was when it was looked at last. */
export function isUnchanged(known: Known, source: Stored): boolean {
  return known.expires === source.expires && known.owner === (source.owner ?? null) && known.version === hashOf(versionOf(source))
}

/** Whether the target holds exactly what the move wrote, apart from its expiry. */
export function isAsWritten({ written, unconfirmed }: Known, target: Stored): boolean {
  const fingerprint = target.corrupt === undefined ? fingerprintOf(target.payload) : undefined
  return fingerprint !== undefined && (fingerprint === written || fingerprint === unconfirmed)
}
