import { entryChecks } from './bank/entries.ts'
import { idChecks } from './bank/ids.ts'
import type { BankCheck } from './bank/kit.ts'
import { lifeChecks } from './bank/life.ts'
import { manyChecks } from './bank/many.ts'
import { swapChecks } from './bank/swap.ts'
import { touchChecks } from './bank/touch.ts'
import { wholeChecks } from './bank/whole.ts'

/** Everything that the contract asks of a bank. */
export const bankChecks: readonly BankCheck[] = [
  ...entryChecks,
  ...idChecks,
  ...touchChecks,
  ...swapChecks,
  ...manyChecks,
  ...wholeChecks,
  ...lifeChecks,
]
