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
  /**
   * The bank stores owners. `false` is for a table of another program without a column for them: then the bank has no `idsOf`, and the
   * store finds the sessions of an owner by reading all. Default: true.
   */
  readonly owners?: boolean
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
export function bankConformance(runner: Runner, options: BankSuiteOptions): void {
  register(runner, 'bank conformance', bankChecks, opening(options), options)
}

/** Runs the same checks without a test runner. Resolves with the result of each; never rejects. */
export function gradeBank(options: BankSuiteOptions): Promise<Grade[]> {
  return grade(bankChecks, opening(options), options)
}

function opening({
  open,
  expiresByOwnClock = false,
  owners = true,
}: BankSuiteOptions): () => Promise<Subject<BankUnderTest<BankNeed>>> {
  return async () => {
    const { bank, another, close } = await open()
    return {
      context: {
        bank: bank as Required<Bank>,
        another: async () => (await another?.()) as Required<Bank>,
        ada: owners ? 'ada' : null,
      },
      missing: (need) => {
        if (need === 'another') return another === undefined ? 'there is no second bank on the same storage' : undefined
        if (need === 'owners') return owners ? undefined : 'the bank stores no owners'
        if (need === 'now') return expiresByOwnClock ? 'the database expires entries by its own clock' : undefined
        return typeof bank[need as keyof Bank] === 'function' ? undefined : `there is no ${need}`
      },
      close,
    }
  }
}
