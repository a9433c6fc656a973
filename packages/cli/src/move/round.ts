import { isCoded, type Stored, versionOf } from 'connect-databank/backend'
import { allSettled, batchesOf } from '../batches.ts'
import { fingerprintOf, hashOf } from './content.ts'
import { decide, isExtended } from './decide.ts'
import { isAsWritten, isUnchanged, type Known, type Memory, type State } from './memory.ts'
import type { Tally } from './progress.ts'
import type { Side } from './side.ts'

/** The most attempts of a write that loses to writes of the application. The next round tries again. */
const MAX_ATTEMPTS = 4
/** The target's errors for a session that it cannot hold: the id is too long for its table, or the session too large. */
const REFUSALS: readonly string[] = ['DATABANK_INVALID_ID', 'DATABANK_INVALID_SESSION']

export interface Sides {
  readonly from: Side
  readonly to: Side
  readonly memory: Memory
  readonly tally: Tally
  readonly now: () => number
  readonly idOf: (id: string) => string
  readonly isMirror: boolean
  readonly signal: AbortSignal | undefined
}

/** A session of the source that was read. */
interface Listed {
  readonly sourceId: string
  readonly id: string
  readonly source: Stored
}

/** One pass over all sessions of the source. */
export class Round {
  readonly #sides: Sides
  readonly #number: number
  readonly #isThorough: boolean
  /** How many sessions have changed since the previous round. */
  changes = 0

  /** @param isThorough whether the target is read as well for sessions that have not changed on the source */
  constructor(sides: Sides, number: number, isThorough: boolean) {
    this.#sides = sides
    this.#number = number
    this.#isThorough = isThorough
  }

  async run(): Promise<void> {
    const { from, signal, tally } = this.#sides
    tally.beginRound()
    for await (const batch of batchesOf(from.scan())) {
      if (signal?.aborted) return
      await this.#follow(batch)
      tally.report()
    }
    await this.#followEnds()
    if (this.#sides.isMirror && this.#number === 1) await this.#endOthers()
  }

  /** Brings sessions that the source has listed to the target. */
  async #follow(entries: readonly (readonly [id: string, stored: Stored])[]): Promise<void> {
    const { from, to, memory, tally, idOf } = this.#sides
    const due: Listed[] = []
    for (const [sourceId, source] of entries) {
      tally.seen++
      const id = idOf(sourceId)
      const known = memory.get(id)
      // Expired ones and others that are no sessions: `followEnds` must not look for them again.
      if (known !== undefined) memory.set(id, { ...known, round: this.#number })
      if (from.live(source) === null) tally.expired++
      else if (source.corrupt !== undefined) tally.corrupt++
      else if (this.#isDue(source, known)) due.push({ sourceId, id, source })
    }
    if (due.length === 0) return
    const targets = await to.liveOf(due.map(({ id }) => id))
    await allSettled(due.map((listed, index) => this.#bring(listed, targets[index]!)))
  }

  #isDue(source: Stored, known: Known | undefined): boolean {
    if (known === undefined || !isUnchanged(known, source)) {
      this.changes++
      return true
    }
    return this.#isThorough && known.state !== 'refused'
  }

  async #bring(listed: Listed, found: Stored | null): Promise<void> {
    const { to, memory, now, isMirror } = this.#sides
    const { id, source } = listed
    let target = found
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = memory.get(id)
      const situation = { source, target, known, now: now(), hasOwners: to.bank.idsOf !== undefined, isMirror }
      const decision = decide(situation)
      this.#noteUse(decision === 'newer', target, known)
      if (decision !== 'write') return this.#remember(listed, decision === 'nothing' ? 'same' : decision, target?.expires)
      if (await this.#write(listed, target)) return
      target = await to.liveOne(id)
    }
    this.changes++
  }

  /** Returns whether the session is finished: stored, or refused permanently. */
  async #write(listed: Listed, target: Stored | null): Promise<boolean> {
    const { to, memory, tally } = this.#sides
    const { sourceId, id, source } = listed
    const before = memory.get(id)
    // A failed write may have been stored, or the session that was read may still be stored: both belong to the move.
    memory.set(id, {
      ...(before ?? unseen(sourceId)),
      state: 'same',
      ...(target !== null && { written: fingerprintOf(target.payload) }),
      unconfirmed: fingerprintOf(source.payload),
      round: this.#number,
    })
    try {
      const { payload, expires, owner = null } = source
      const isStored = await to.swap(id, target, { payload, expires, owner })
      if (isStored) {
        this.#remember(listed, 'same')
        if (target === null) tally.copied++
        else tally.updated++
      } else restore(memory, id, before)
      return isStored
    } catch (error) {
      if (!isCoded(error) || !REFUSALS.includes(error.code)) throw error
      tally.refusal ??= error.message
      this.#remember(listed, 'refused')
      return true
    }
  }

  #remember({ sourceId, id, source }: Listed, state: State, targetExpires = source.expires): void {
    const { memory, tally } = this.#sides
    const before = memory.get(id)
    if (before === undefined && state === 'same') tally.skipped++
    const isKnown = state !== 'same' || (before?.written !== undefined && isUnchanged(before, source))
    memory.set(id, {
      state,
      sourceId,
      version: hashOf(versionOf(source)),
      owner: source.owner ?? null,
      expires: source.expires,
      targetExpires,
      written: isKnown ? before?.written : fingerprintOf(source.payload),
      unconfirmed: undefined,
      round: this.#number,
    })
  }

  /** The application uses the target if it has changed, ended or extended a session of the move there. */
  #noteUse(isNewer: boolean, target: Stored | null, known: Known | undefined): void {
    const { tally } = this.#sides
    if (known?.written === undefined || known.state !== 'same') return
    if (isNewer || (target !== null && isExtended(target, known.targetExpires))) tally.isTargetUsed = true
  }

  /** Ends sessions on the target that have ended on the source. */
  async #followEnds(): Promise<void> {
    const { memory, signal } = this.#sides
    for await (const missing of batchesOf(memory.unlisted(this.#number))) {
      if (signal?.aborted) return
      await this.#followMissing(missing)
    }
  }

  async #followMissing(missing: readonly (readonly [id: string, known: Known])[]): Promise<void> {
    const { from } = this.#sides
    // A listing is not a snapshot: it may have missed an existing session.
    const sources = await from.liveOf(missing.map(([, { sourceId }]) => sourceId))
    const there = missing.flatMap(([, { sourceId }], index) => (sources[index] ? [[sourceId, sources[index]] as const] : []))
    await allSettled(missing.map(([id, known], index) => (sources[index] ? undefined : this.#endMissing(id, known))))
    await this.#follow(there)
  }

  async #endMissing(id: string, known: Known): Promise<void> {
    const { to, memory, tally, now } = this.#sides
    // One that has expired ends on the target by itself, unless the application has extended it there.
    const isEnded = known.state !== 'newer' && (known.expires === null || known.expires > now())
    for (let attempt = 0; isEnded && attempt < MAX_ATTEMPTS; attempt++) {
      const target = await to.liveOne(id)
      if (target === null || !isAsWritten(known, target)) break
      this.changes++
      if (!(await to.end(id, target))) continue
      tally.ended++
      break
    }
    memory.forget(id)
  }

  /** Ends sessions on the target that the source does not have. */
  async #endOthers(): Promise<void> {
    const { to, memory, tally, signal } = this.#sides
    for await (const batch of batchesOf(to.scan())) {
      if (signal?.aborted) return
      const others = batch.filter(([id, stored]) => !memory.has(id) && to.live(stored) !== null)
      const ended = await allSettled(others.map(([id, stored]) => to.end(id, stored)))
      tally.ended += ended.filter(Boolean).length
    }
  }
}

function unseen(sourceId: string): Omit<Known, 'round'> {
  const nothing = { version: '', owner: null, expires: null, targetExpires: null, written: undefined, unconfirmed: undefined }
  return { state: 'same', sourceId, ...nothing }
}

function restore(memory: Memory, id: string, before: Known | undefined): void {
  if (before === undefined) memory.forget(id)
  else memory.set(id, before)
}
