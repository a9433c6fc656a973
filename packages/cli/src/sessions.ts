import { boundedExpiry, DatabankError, isLive, readRecord, type Stored } from 'connect-databank/backend'
import type { SessionData } from 'express-session'
import type { Config } from './config.ts'
import type { Opened } from './opened.ts'

/** A live session, as commands print it. */
export interface Session {
  /** The stored id. */
  readonly id: string
  readonly data: SessionData
  readonly owner: string | null
  /** In epoch milliseconds; null where no creation time is stored. */
  readonly created: number | null
  /** In epoch milliseconds; null: never. */
  readonly expires: number | null
  /** Of the JSON, in bytes. */
  readonly size: number
}

/** A stored entry as the application sees it. */
export type Inspected = { readonly state: 'expired' | 'corrupt' } | { readonly state: 'live'; readonly session: Session }

/** Judges a stored entry as the store does. */
export function inspect(config: Config, id: string, stored: Stored, now: number): Inspected {
  if (!isLive(stored, now)) return { state: 'expired' }
  const record = readRecord(stored)
  if (record === null) return { state: 'corrupt' }
  const expires = boundedExpiry(stored.expires, record.created, config.absoluteTimeout ?? null)
  if (expires !== null && expires <= now) return { state: 'expired' }
  const owner = stored.owner ?? ownerOf(config, record.session)
  const size = Buffer.byteLength(stored.payload)
  return { state: 'live', session: { id, data: record.session, owner, created: record.created ?? null, expires, size } }
}

/** All live sessions, or those of one owner, streamed. `onCorrupt` is called for each record that is no session. */
export async function* liveSessions(
  { bank, store, config }: Opened,
  { owner, onCorrupt = () => {} }: { owner?: string | undefined; onCorrupt?: () => void },
): AsyncGenerator<Session, void, undefined> {
  for await (const [id, stored] of owner === undefined ? listed(bank) : owned(bank, store, owner)) {
    const inspected = inspect(config, id, stored, Date.now())
    if (inspected.state === 'live') yield inspected.session
    else if (inspected.state === 'corrupt') onCorrupt()
  }
}

/** @throws DATABANK_NOT_SUPPORTED if the bank cannot list its entries */
export async function* listed(bank: Opened['bank']): AsyncGenerator<readonly [id: string, stored: Stored], void, undefined> {
  if (bank.scan === undefined) {
    throw new DatabankError('DATABANK_NOT_SUPPORTED', 'this database cannot list its sessions')
  }
  yield* bank.scan()
}

async function* owned(
  bank: Opened['bank'],
  store: Opened['store'],
  owner: string,
): AsyncGenerator<readonly [id: string, stored: Stored], void, undefined> {
  for await (const [id] of store.sessionsOf(owner)) {
    const stored = await bank.read(id)
    if (stored !== null) yield [id, stored]
  }
}

/** The owner that the configuration names, for sessions that were stored without one. */
function ownerOf({ owner }: Config, session: SessionData): string | null {
  try {
    const value = owner?.(session)
    return value === undefined || value === null || value === '' ? null : String(value)
  } catch {
    return null
  }
}
