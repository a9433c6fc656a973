import type { Stored } from 'connect-databank/backend'
import { allSettled, batchesOf } from '../batches.ts'
import { decide } from './decide.ts'
import { isUnchanged } from './memory.ts'
import type { Sides } from './round.ts'

/**
 * Deletes moved sessions from the source: those that the target has, and those that the application has changed or ended there. A session
 * that has changed on the source since stays. Returns how many live sessions stay.
 */
export async function deleteArrived(sides: Sides): Promise<number> {
  const { from, tally, signal, now } = sides
  let left = 0
  tally.phase = 'deleting'
  for await (const batch of batchesOf(from.scan())) {
    if (signal?.aborted) break
    const live = batch.filter(([, source]) => from.live(source) !== null)
    const deleted = await deleteBatch(sides, live)
    tally.deleted += deleted
    left += live.length - deleted
    tally.report()
  }
  // An ended session is still stored, with a past expiry.
  if (tally.deleted > 0) await from.bank.purge?.(now())
  return left
}

async function deleteBatch(sides: Sides, live: readonly (readonly [id: string, source: Stored])[]): Promise<number> {
  const { from, to, idOf } = sides
  const targets = await to.liveOf(live.map(([sourceId]) => idOf(sourceId)))
  const deletions = live.map(async ([sourceId, source], index) => {
    return hasArrived(sides, source, targets[index]!, idOf(sourceId)) && (await from.end(sourceId, source))
  })
  return (await allSettled(deletions)).filter(Boolean).length
}

function hasArrived({ memory, now, to, isMirror }: Sides, source: Stored, target: Stored | null, id: string): boolean {
  const known = memory.get(id)
  if (known === undefined || source.corrupt !== undefined || !isUnchanged(known, source)) return false
  const decision = decide({ source, target, known, now: now(), hasOwners: to.bank.idsOf !== undefined, isMirror })
  return decision === 'nothing' || decision === 'newer'
}
