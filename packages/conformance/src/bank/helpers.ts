import assert from 'node:assert/strict'
import { type Bank, type BankMethod, type Entry, isLive, type Stored, versionOf } from 'connect-databank/backend'
import type { Check } from '../check.ts'

/**
 * What a check of a bank needs: an optional method, `another` (a second bank on the same storage), `now` (a bank that uses
 * the given `now`, not its database's clock), or `owners` (a bank that stores the owners of entries).
 */
export type BankNeed = BankMethod | 'another' | 'now' | 'owners'

/** A bank that has these methods. */
export type BankWith<Needs extends BankNeed> = Bank & Required<Pick<Bank, Extract<Needs, keyof Bank>>>

/** The context of a check of a bank. */
export interface BankUnderTest<Needs extends BankNeed = never> {
  /** Fresh and empty. */
  readonly bank: BankWith<Needs>
  /** Opens a second bank on the same storage, as another process would. */
  another(): Promise<BankWith<Needs>>
  /** The owner, in checks of something else; null if the bank stores no owners. */
  readonly ada: string | null
}

/** A check of a bank. */
export type BankCheck = Check<BankUnderTest<BankNeed>>

/** Makes a check. To the compiler, too, the bank has the methods that the check needs. */
export function bankCheck<const Needs extends BankNeed = never>(check: {
  name: string
  why: string
  needs?: readonly Needs[]
  run(context: BankUnderTest<Needs>): Promise<void>
}): BankCheck {
  return { ...check, needs: check.needs ?? [] } as BankCheck
}

export const HOUR = 3_600_000

/** An entry that expires in an hour, or after `milliseconds`. The odd milliseconds show a bank that rounds. */
export function live(payload: string, milliseconds = HOUR): Entry {
  return { payload, expires: odd(Date.now() + milliseconds) }
}

/** An entry that expired an hour ago. */
export function expired(payload: string): Entry {
  return { payload, expires: Date.now() - HOUR }
}

/** A time near this one with odd milliseconds, which a coarser clock cannot represent. */
export function odd(time: number): number {
  return time - (time % 1_000) + 123
}

/** Fails unless exactly this entry is stored: its payload, expiry and owner. */
export function assertEntry(actual: Entry | null, expected: Entry, message?: string): void {
  assert.ok(actual !== null && actual !== undefined, message ?? 'the entry is missing')
  // Only the beginning, so that a difference of a megabyte is not printed.
  assert.equal(actual.payload.slice(0, 200), expected.payload.slice(0, 200), message)
  assert.ok(actual.payload === expected.payload, message ?? 'the payload differs')
  assert.equal(actual.expires, expected.expires, message)
  assert.equal(actual.owner ?? null, expected.owner ?? null, `${message ?? 'the entry'}: the owner`)
}

/** Fails if an unexpired entry is stored. A bank may return an expired entry or null. */
export function assertNothingLive(actual: Entry | null, message = 'an unexpired entry is stored'): void {
  assert.notEqual(actual, undefined, 'absence is null')
  assert.ok(!isLive(actual, Date.now()), message)
}

/** The version that is stored now. Fails if nothing is stored. */
export async function storedVersion(bank: Bank, id: string): Promise<string> {
  const stored = await bank.read(id)
  assert.ok(stored !== null, `the entry of ${JSON.stringify(id)} is missing`)
  return versionOf(stored)
}

/** Saves the entry, and returns the version that is stored then. */
export async function saved(bank: Bank, id: string, entry: Entry): Promise<string> {
  await bank.save(id, entry)
  return storedVersion(bank, id)
}

/** All items of an async iterable. */
export async function listed<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

/** The ids of all unexpired entries that a scan yields, sorted. */
export async function scannedIds(bank: BankWith<'scan'>): Promise<string[]> {
  const found: (readonly [id: string, stored: Stored])[] = await listed(bank.scan())
  return found
    .filter(([, stored]) => isLive(stored, Date.now()))
    .map(([id]) => id)
    .sort()
}

/** The ids of the entries of an owner, sorted. */
export async function idsOf(bank: BankWith<'idsOf'>, owner: string): Promise<string[]> {
  return (await listed(bank.idsOf(owner))).sort()
}

/** Waits until an entry has surely expired: only for the few checks that need a real expiry. */
export async function untilExpired(expires: number): Promise<void> {
  while (Date.now() <= expires + 20) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** The start of the second after this time: a database that counts in seconds has deleted by then what expires at `time`. */
export function nextSecond(time: number): number {
  return time - (time % 1_000) + 1_000
}

/** `count` ids as a store uses them. */
export function idsLike(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(5, '0')}`)
}

/** An id or owner as a message can show it. Different texts look different. */
export function shown(text: string): string {
  const quoted = JSON.stringify(text)
  // By characters: a payload that names an id has to be well-formed.
  const characters = [...text]
  return quoted.length <= 80 ? quoted : `${characters.slice(0, 3).join('')}…(${text.length})…${characters.slice(-3).join('')}`
}
