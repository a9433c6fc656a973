/**
 * `move`: copies all live sessions of one bank to another, while the application runs.
 *
 * The rules, for one session:
 *
 * - The payload, the expiry in milliseconds and the owner are stored as they are. The creation time, by which `absoluteTimeout` counts, is in
 *   the payload. A target that holds whole seconds rounds the expiry up. One without owners drops them.
 * - Every write is a compare-and-swap: it expects no session, or the version that the move has read. So the move never overwrites a
 *   simultaneous write of the application on the target.
 * - A session that is changed or touched on the source after it was copied is stored again, as long as the target holds exactly the
 *   move's session (its expiry may differ). If the application has changed it on the target, the target's version stays, whatever
 *   happens on the source.
 * - A session that is ended on the source is ended on the target, as long as the target holds exactly the move's session. A session that
 *   has expired on the source was not ended: on the target it expires by itself, or stays if it is used there.
 * - A session that is ended on the target is not copied again. One that has expired there, and was extended on the source, is copied again.
 * - Expired sessions and corrupt records are not copied.
 *
 * For these rules, the move remembers its writes during one run, in about 200 bytes a session. A second run does not know the writes of
 * the first: it continues with sessions that are equal. A differing session on the target stays. It counts as `newer` if it expires later
 * than the source's (it was used later), otherwise as `differing`: it may be an old copy. While the application does not use the target
 * yet, `mirror` makes the target equal to the source: it replaces differing sessions, and ends sessions that the source does not have.
 *
 * Without `watch`, a move ends when a round over all sessions has found nothing to do: that round is the verification. It makes at most
 * six rounds, because a running application always causes more work. With `watch` it continues until the application has been switched:
 * the application has changed, ended or extended sessions on the target, and for `quietTime` since then no round has found anything to
 * do. Or until the signal is aborted: `isEqual` says whether the last round had found nothing to do.
 *
 * If ids, keys and layers are the same on both sides, use the banks without layers: the move copies ciphertext unchanged. Otherwise use
 * both banks with their layers, `encrypt(bank, options.encryption)`: the move decrypts payload and owner with the keys of the source, and
 * encrypts them with those of the target. If only the target has `hashIds`, pass `idOf: idMapping(from.hashIds, to.hashIds)`.
 *
 * Both must be different storages. In the same storage, `deleteSource` would delete the only copy. The command first checks this with
 * `requireDistinct`.
 *
 * The README describes how to switch an application.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Bank, checkOptions, DatabankError, isCoded, type OptionRules, rules } from 'connect-databank/backend'
import { deleteArrived } from './delete.ts'
import { Memory } from './memory.ts'
import { type MoveProgress, Tally } from './progress.ts'
import { Round, type Sides } from './round.ts'
import { Side } from './side.ts'

export { type HashIds, idMapping } from './ids.ts'
export type { MoveProgress } from './progress.ts'

export interface MoveOptions {
  /** Aborted: the move ends after the sessions that are under way, and resolves. */
  signal?: AbortSignal | undefined
  /** At the end, deletes moved sessions from the source, if both are equal then and the signal was not aborted. Default: false. */
  deleteSource?: boolean | undefined
  /** Follows the source until the application has been switched. Default: false. */
  watch?: boolean | undefined
  /** The application does not use the target yet: makes the target equal to the source. Default: false. */
  mirror?: boolean | undefined
  /** The id on the target of an id on the source. Default: the same. */
  idOf?: ((id: string) => string) | undefined
  /** With `watch`: the shortest time between two rounds, in milliseconds. A round that takes longer is followed by as long a pause. Default: 1 000. */
  interval?: number | undefined
  /** With `watch`: how long the source must be unchanged after the application has used the target, in milliseconds. Default: 60 000. */
  quietTime?: number | undefined
  /** Called at most every 100 ms, and after each round. */
  onProgress?: ((progress: MoveProgress) => void) | undefined
  /** The clock, in epoch milliseconds. Default: `Date.now`. */
  now?: (() => number) | undefined
}

export interface MoveResult extends MoveProgress {
  /** Whether the last round found nothing to do, and nothing is `differing`, `refused` or `left`. */
  readonly isEqual: boolean
  /** Whether the signal ended it. */
  readonly isAborted: boolean
  /** With `deleteSource`: how many live sessions are still on the source, because they changed at the end or have not arrived. */
  readonly left: number
}

const OPTION_RULES: OptionRules<MoveOptions> = {
  signal: { expected: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal },
  deleteSource: rules.boolean,
  watch: rules.boolean,
  mirror: rules.boolean,
  idOf: rules.function,
  interval: rules.milliseconds,
  quietTime: rules.milliseconds,
  onProgress: rules.function,
  now: rules.function,
}

const DEFAULT_INTERVAL = 1_000
const DEFAULT_QUIET_TIME = 60_000
/** The most rounds of a move without `watch`. */
const MAX_ROUNDS = 6
/** Temporary failures. A move with `watch` continues after them. */
const TEMPORARY: readonly string[] = ['DATABANK_UNAVAILABLE', 'DATABANK_TIMEOUT']

/**
 * Copies all live sessions of `from` to `to`, verifies, and with `watch` follows changes. See the rules above.
 *
 * @throws DATABANK_NOT_SUPPORTED if `from` (with `mirror` also `to`) cannot list its sessions; DATABANK_INVALID_OPTION; the banks' errors.
 *   After an error, it can be run again
 */
export async function move(from: Bank, to: Bank, options: MoveOptions = {}): Promise<MoveResult> {
  checkOptions('move', OPTION_RULES, options)
  const { signal, now = Date.now, deleteSource = false, mirror = false, idOf = (id) => id } = options
  requireScan(from)
  if (mirror) requireScan(to)
  const memory = new Memory()
  const tally = new Tally(memory, options.onProgress)
  const sides: Sides = { from: new Side(from, now), to: new Side(to, now), memory, tally, now, idOf, isMirror: mirror, signal }
  countInBackground(from, tally, now)
  if (options.watch === true) await follow(sides, options)
  else await copy(sides)
  const isDone = isEqual(tally, memory)
  const left = deleteSource && tally.isEqual && signal?.aborted !== true ? await deleteArrived(sides) : 0
  tally.report(true)
  return { ...tally.progress(), isEqual: isDone && left === 0, isAborted: signal?.aborted === true, left }
}

function isEqual({ isEqual: isSettled }: Tally, { counts }: Memory): boolean {
  return isSettled && counts.differing === 0 && counts.refused === 0
}

function requireScan(bank: Bank): void {
  if (bank.scan !== undefined) return
  throw new DatabankError('DATABANK_NOT_SUPPORTED', `the bank ${bank.name ?? ''} cannot list its sessions: it has no scan()`)
}

/** Only for the progress. It may take as long as the first round. */
function countInBackground(from: Bank, tally: Tally, now: () => number): void {
  from.count?.(now()).then(
    (total) => {
      tally.total = total
    },
    () => {},
  )
}

/** Rounds until one has nothing to do. */
async function copy(sides: Sides): Promise<void> {
  const { tally, signal } = sides
  for (let number = 1; number <= MAX_ROUNDS && !tally.isEqual && signal?.aborted !== true; number++) {
    await runRound(sides, number, true)
  }
}

/** Rounds until the application has been switched. */
async function follow(sides: Sides, options: MoveOptions): Promise<void> {
  const { interval = DEFAULT_INTERVAL, quietTime = DEFAULT_QUIET_TIME } = options
  const { tally, signal, now } = sides
  const isAborted = (): boolean => signal?.aborted === true
  let changedAt = now()
  let isThorough = true
  for (let number = 1; !isAborted(); number++) {
    const began = performance.now()
    const wasUsed = tally.isTargetUsed
    const changes = await tryRound(sides, number, isThorough)
    if (changes > 0 || !wasUsed) changedAt = now()
    if (tally.isEqual && wasUsed && now() - changedAt >= quietTime) return
    if (isAborted()) return
    const isVerified = isThorough
    // A round with nothing to do is followed by one that reads the target as well.
    isThorough = changes === 0
    if (isThorough && !isVerified) continue
    tally.phase = 'following'
    tally.report(true)
    await pause(Math.max(interval, performance.now() - began), signal)
  }
}

/** Returns how many sessions had changed. A temporary failure counts as a change. */
async function tryRound(sides: Sides, number: number, isThorough: boolean): Promise<number> {
  const { tally } = sides
  try {
    const changes = await runRound(sides, number, isThorough)
    tally.problem = undefined
    return changes
  } catch (error) {
    if (!isCoded(error) || !TEMPORARY.includes(error.code)) throw error
    tally.isEqual = false
    tally.problem = error.message
    return 1
  }
}

async function runRound(sides: Sides, number: number, isThorough: boolean): Promise<number> {
  const round = new Round(sides, number, isThorough)
  const { tally, signal } = sides
  await round.run()
  if (round.changes > 0) tally.isEqual = false
  if (signal?.aborted === true) return round.changes
  tally.changes = round.changes
  if (isThorough && round.changes === 0) tally.isEqual = true
  tally.report(true)
  return round.changes
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal })
  } catch {
    // The signal was aborted.
  }
}
