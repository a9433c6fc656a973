import assert from 'node:assert/strict'
import type { Bank, Entry } from 'connect-databank'
import type { Check } from '../check.ts'

/** A method of a bank, or `another`: a second bank on the same place. */
export type Need = keyof Bank | 'another'

/** A bank that surely has these methods. */
export type BankWith<Needs extends Need> = Bank & Required<Pick<Bank, Extract<Needs, keyof Bank>>>

/** What a check of a bank is given. */
export interface BankContext<Needs extends Need = never> {
  /** Fresh and empty. */
  readonly bank: BankWith<Needs>
  /** Opens a second bank on the same place, as another process would. */
  another(): Promise<BankWith<Needs>>
}

/** A check of a bank. */
export type BankCheck = Check<BankContext<Need>>

/** Makes a check: the methods that it needs are there, for the compiler too. */
export function bankCheck<const Needs extends Need = never>(check: {
  name: string
  why: string
  needs?: readonly Needs[]
  run(context: BankContext<Needs>): Promise<void>
}): BankCheck {
  return { ...check, needs: check.needs ?? [] } as BankCheck
}

export const HOUR = 3_600_000

/** An entry that lives for an hour, or as long as said. The odd milliseconds show who rounds. */
export function living(payload: string, milliseconds = HOUR): Entry {
  return { payload, expires: odd(Date.now() + milliseconds) }
}

/** An entry that died an hour ago. */
export function dead(payload: string): Entry {
  return { payload, expires: Date.now() - HOUR }
}

/** A time near this one that no coarser clock can say. */
export function odd(time: number): number {
  return time - (time % 1_000) + 123
}

/** Fails unless exactly this entry is there. */
export function assertEntry(actual: Entry | null, expected: Entry, message?: string): void {
  assert.ok(actual !== null && actual !== undefined, message ?? 'the entry is missing')
  // Cut down, so that a difference of a megabyte is not printed.
  assert.equal(actual.payload.slice(0, 200), expected.payload.slice(0, 200), message)
  assert.ok(actual.payload === expected.payload, message ?? 'the payload differs')
  assert.equal(actual.expires, expected.expires, message)
}

/** Fails if something alive is there: a dead entry may be given or dropped. */
export function assertNothingAlive(actual: Entry | null, message = 'something alive is there'): void {
  assert.notEqual(actual, undefined, 'absence is null')
  if (actual !== null) assert.ok(actual.expires !== null && actual.expires <= Date.now(), message)
}

/** Everything that a scan gives, alive or not. */
export async function scanned(bank: BankWith<'scan'>): Promise<(readonly [id: string, entry: Entry])[]> {
  const found: (readonly [string, Entry])[] = []
  for await (const pair of bank.scan()) found.push(pair)
  return found
}

/** The ids of everything alive, sorted. */
export async function scannedIds(bank: BankWith<'scan'>): Promise<string[]> {
  return (await scanned(bank))
    .filter(([, { expires }]) => expires === null || expires > Date.now())
    .map(([id]) => id)
    .sort()
}

/** Waits until this time has surely passed: only for the few checks that need a real death. */
export async function pastDeath(expires: number): Promise<void> {
  while (Date.now() <= expires + 20) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** `count` ids that a store would give. */
export function idsLike(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(5, '0')}`)
}
