// What the tests of `move` share.
import { MemoryBank } from '@connect-databank/memory'
import { type Bank, type Entry, isLive } from 'connect-databank/backend'
import { type MoveOptions, type MoveProgress, type MoveResult, move } from '../src/move/index.ts'

export const HOUR = 3_600_000

/** A session as a store writes it. */
export function entry(data: object, expires: number | null = Date.now() + HOUR, owner: string | null = null): Entry {
  const cookie = { originalMaxAge: HOUR, expires: '2030-01-01T00:00:00.000Z', httpOnly: true, path: '/' }
  return { payload: JSON.stringify({ cookie, ...data }), expires, owner }
}

export async function memoryWith(sessions: Readonly<Record<string, Entry>>): Promise<MemoryBank> {
  const bank = new MemoryBank()
  for (const [id, session] of Object.entries(sessions)) await bank.save(id, session)
  return bank
}

/** The live sessions, by their ids in order. */
export async function liveIn(bank: Bank): Promise<Record<string, Entry>> {
  const found: [string, Entry][] = []
  for await (const [id, { payload, expires, owner = null }] of bank.scan!()) {
    const stored = { payload, expires, owner }
    if (isLive(stored, Date.now())) found.push([id, stored])
  }
  return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** A change of a session in place, as an application makes it. */
export async function changeData(bank: Bank, id: string, data: object, expires?: number): Promise<void> {
  const stored = await bank.read(id)
  if (stored === null) throw new Error(`no session ${id} to change`)
  const payload = JSON.stringify({ ...JSON.parse(stored.payload), ...data })
  await bank.save(id, { payload, expires: expires ?? stored.expires, owner: stored.owner ?? null })
}

/**
 * Runs `move --watch`, and a step of the test each time that both banks are equal. The move ends after the last step, when both are equal
 * again.
 */
export async function moveWithSteps(
  from: Bank,
  to: Bank,
  steps: readonly (() => Promise<unknown> | unknown)[],
  options: MoveOptions = {},
): Promise<MoveResult> {
  const stop = new AbortController()
  const remaining = [...steps]
  let round = 0
  /** The first round that began after the last step had ended. */
  let firstRound = 0
  const onProgress = (progress: MoveProgress): void => {
    options.onProgress?.(progress)
    round = progress.round
    if (progress.phase !== 'following' || !progress.isEqual || round < firstRound) return
    const next = remaining.shift()
    if (next === undefined) stop.abort()
    else void run(next)
  }
  const run = async (next: () => Promise<unknown> | unknown): Promise<void> => {
    firstRound = Number.POSITIVE_INFINITY
    await next()
    firstRound = round + 2
  }
  return move(from, to, { watch: true, interval: 0, signal: stop.signal, ...options, onProgress })
}
