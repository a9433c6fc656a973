import type { Bank } from 'connect-databank'
import type { BankContext, Need } from './bank/kit.ts'
import { bankChecks } from './bank-checks.ts'
import type { Grade, RunOptions, Subject } from './check.ts'
import { grade, type Runner, register } from './suite.ts'

/** A bank that was opened for one check. */
export interface OpenedBank {
  /** Fresh and empty. */
  readonly bank: Bank
  /** Opens a second bank on the same place, as another process would. Leave it out where a place cannot be shared. */
  readonly another?: () => Promise<Bank>
  /** Closes all of it, the other banks too, and removes what they stored. A check may have closed the bank already. */
  close(): Promise<void>
}

/** What the suites for banks are given. */
export interface BankSuiteOptions extends RunOptions {
  /** Opens a bank for one check: fresh and empty each time. */
  readonly open: () => Promise<OpenedBank>
}

/**
 * Tells a test runner of everything that the contract asks of a bank. Which optional part runs is read off the methods of the
 * opened bank; a check of a missing one is skipped.
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
export function bankConformance(runner: Runner, { open, ...options }: BankSuiteOptions): void {
  register(runner, 'bank conformance', bankChecks, opening(open), options)
}

/** Runs the same checks without a test runner, and answers what came of each. Never rejects. */
export function gradeBank({ open, ...options }: BankSuiteOptions): Promise<Grade[]> {
  return grade(bankChecks, opening(open), options)
}

function opening(open: () => Promise<OpenedBank>): () => Promise<Subject<BankContext<Need>>> {
  return async () => {
    const opened = await open()
    const { bank, another } = opened
    return {
      context: {
        bank: bank as Required<Bank>,
        another: async () => (await another?.()) as Required<Bank>,
      },
      has: (need) => (need === 'another' ? another !== undefined : typeof bank[need as keyof Bank] === 'function'),
      close: () => opened.close(),
    }
  }
}
