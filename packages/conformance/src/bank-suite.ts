import type { Bank } from 'connect-databank/backend'
import type { BankNeed, BankUnderTest } from './bank/helpers.ts'
import { bankChecks } from './bank-checks.ts'
import type { Grade, RunOptions, Subject } from './check.ts'
import { grade, type Runner, register } from './suite.ts'

/** A bank that was opened for one check. */
export interface OpenedBank {
  /** Fresh and empty. */
  readonly bank: Bank
  /** Opens a second bank on the same storage, as another process would. Leave it out if storage cannot be shared. */
  readonly another?: () => Promise<Bank>
  /** Closes all banks that were opened, and removes what they stored. A check may have closed a bank already. */
  close(): Promise<void>
}

/** Options of the suites for banks. */
export interface BankSuiteOptions extends RunOptions {
  /** Opens a bank for one check: fresh and empty each time. */
  readonly open: () => Promise<OpenedBank>
  /**
   * The database expires entries by its own clock, as Redis does. Checks that pass a `now` far from the real time are skipped
   * then. Default: false.
   */
  readonly expiresByOwnClock?: boolean
}

/**
 * Registers one test for each rule of the contract of a bank. A check of an optional method runs if the opened bank has the
 * method, and is skipped if not.
 *
 * @example
 * import { describe, it } from 'node:test'
 *
 * bankConformance({ describe, it }, {
 *   open: async () => {
 *     const bank = new MyBank()
 *     return { bank, close: () => bank.close() }
 *   },
 * })
 */
export function bankConformance(runner: Runner, { open, expiresByOwnClock = false, ...options }: BankSuiteOptions): void {
  register(runner, 'bank conformance', bankChecks, opening(open, expiresByOwnClock), options)
}

/** Runs the same checks without a test runner. Resolves with the result of each; never rejects. */
export function gradeBank({ open, expiresByOwnClock = false, ...options }: BankSuiteOptions): Promise<Grade[]> {
  return grade(bankChecks, opening(open, expiresByOwnClock), options)
}

function opening(open: () => Promise<OpenedBank>, expiresByOwnClock: boolean): () => Promise<Subject<BankUnderTest<BankNeed>>> {
  return async () => {
    const { bank, another, close } = await open()
    return {
      context: {
        bank: bank as Required<Bank>,
        another: async () => (await another?.()) as Required<Bank>,
      },
      missing: (need) => {
        if (need === 'another') return another === undefined ? 'there is no second bank on the same storage' : undefined
        if (need === 'now') return expiresByOwnClock ? 'the database expires entries by its own clock' : undefined
        return typeof bank[need as keyof Bank] === 'function' ? undefined : `there is no ${need}`
      },
      close,
    }
  }
}
