import type { StoreOptions } from 'connect-databank'
import { type Bank, encrypt, isCoded, readRecord, type Stored } from 'connect-databank/backend'
import { type Finding, ok, unseen, warn } from './finding.ts'

/** How many records are read. */
const SAMPLE = 1_000
/** A record that expired longer ago should have been deleted, in milliseconds: a store cleans up every ten minutes. */
const OVERDUE = 3_600_000
const ENCRYPTED = 'databank1:'
const SHA_256 = /^[0-9a-f]{64}$/
const REENCRYPT = 'npx @connect-databank/cli reencrypt "$SESSION_URL"'
const COUNT = 'npx @connect-databank/cli count "$SESSION_URL"'
const OLDER_KEYS = 'encryption: { keys: [newest, …older] }'
const PURGE = 'npx @connect-databank/cli purge "$SESSION_URL"'

/** The counts of the sample. */
interface Counts {
  records: number
  corrupt: number
  /** The reason of the first. */
  reason: string
  plain: number
  ofOlderKey: number
  ofUnknownKey: number
  withoutKeys: number
  plainIds: number
  overdue: number
}

/** Reads the first records as the store would, and reports their problems. */
export async function* sample(bank: Bank, options: Pick<StoreOptions, 'encryption' | 'hashIds'>): AsyncGenerator<Finding> {
  if (bank.scan === undefined) {
    yield warn('records', 'could not look: the bank cannot list its sessions')
    return
  }
  try {
    yield* findingsOf(await count(bank, options))
  } catch (error) {
    // The examination of this database has reported the reason.
    if (!isCoded(error) || error.code !== 'DATABANK_NOT_SUPPORTED') yield unseen('records', error)
  }
}

async function count(bank: Bank, { encryption, hashIds }: Pick<StoreOptions, 'encryption' | 'hashIds'>): Promise<Counts> {
  const kinds = { corrupt: 0, plain: 0, ofOlderKey: 0, ofUnknownKey: 0, withoutKeys: 0 }
  const counts: Counts = { records: 0, reason: '', ...kinds, plainIds: 0, overdue: 0 }
  const now = Date.now()
  const open = opener(encryption)
  for await (const [id, stored] of bank.scan!()) {
    counts.records++
    if (hashIds !== undefined && hashIds !== false && !SHA_256.test(id)) counts.plainIds++
    if (stored.expires !== null && stored.expires < now - OVERDUE) counts.overdue++
    else await classify(counts, stored, () => open(id, stored))
    if (counts.records === SAMPLE) break
  }
  return counts
}

type Kind = keyof Omit<Counts, 'records' | 'reason' | 'plainIds' | 'overdue'>
type Opened = { readonly stored: Stored } | { readonly kind: Kind }

async function classify(counts: Counts, stored: Stored, open: () => Promise<Opened>): Promise<void> {
  let reason = stored.corrupt
  if (reason === undefined) {
    const opened = await open()
    if ('kind' in opened) {
      counts[opened.kind]++
      return
    }
    reason = opened.stored.corrupt ?? (readRecord(opened.stored) === null ? 'it is not the JSON of a session' : undefined)
  }
  if (reason === undefined) return
  counts.corrupt++
  counts.reason ||= reason
}

/** Decrypts with the newest key, then with the others. */
function opener(encryption: StoreOptions['encryption']): (id: string, stored: Stored) => Promise<Opened> {
  if (encryption === undefined) {
    return async (_id, stored) => (stored.payload.startsWith(ENCRYPTED) ? { kind: 'withoutKeys' } : { stored })
  }
  const { keys } = encryption
  return async (id, stored) => {
    if (!stored.payload.startsWith(ENCRYPTED)) return { kind: 'plain' }
    const newest = await decrypted(keys.slice(0, 1), id, stored)
    if (newest.corrupt === undefined || !isUnknownKey(newest)) return { stored: newest }
    return { kind: isUnknownKey(await decrypted(keys, id, stored)) ? 'ofUnknownKey' : 'ofOlderKey' }
  }
}

async function decrypted(keys: readonly (string | Uint8Array)[], id: string, stored: Stored): Promise<Stored> {
  const bank: Bank = { read: async () => stored, save: async () => {}, delete: async () => false }
  return (await encrypt(bank, { keys }).read(id))!
}

function isUnknownKey({ corrupt = '' }: Stored): boolean {
  return corrupt.includes('unknown key')
}

function* findingsOf(counts: Counts): Generator<Finding> {
  const { records, reason } = counts
  const problems: readonly (readonly [count: number, subject: string, message: string, fix: string])[] = [
    [counts.corrupt, 'records', `are no sessions, and count as missing: ${reason}`, COUNT],
    [counts.plain, 'encryption', 'are not encrypted', REENCRYPT],
    [counts.ofOlderKey, 'encryption', 'are encrypted with an older key', REENCRYPT],
    [counts.ofUnknownKey, 'encryption', 'are encrypted with an unknown key, and count as missing', OLDER_KEYS],
    [counts.withoutKeys, 'encryption', 'are encrypted, and no keys were given', 'SESSION_ENCRYPTION_KEYS=…'],
    [counts.plainIds, 'hashIds', 'are stored under plain ids', REENCRYPT],
    [counts.overdue, 'clean-up', 'expired more than an hour ago: nobody deletes them', PURGE],
  ]
  const found = problems.filter(([count]) => count > 0)
  for (const [count, subject, message, fix] of found) yield warn(subject, `${count} of ${records} records ${message}`, fix)
  if (found.length === 0) yield ok('records', soundness(records))
}

function soundness(records: number): string {
  if (records === 0) return 'there are none'
  if (records === 1) return 'there is one, and it is sound'
  return records === SAMPLE ? 'the first 1,000 are sound' : `all ${records} are sound`
}
