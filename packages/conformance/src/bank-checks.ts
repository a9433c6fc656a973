import { entryChecks } from './bank/entries.ts'
import type { BankCheck } from './bank/helpers.ts'
import { idChecks } from './bank/ids.ts'
import { lifecycleChecks } from './bank/lifecycle.ts'
import { listingChecks } from './bank/listing.ts'
import { manyChecks } from './bank/many.ts'
import { ownerIndexChecks } from './bank/owner-index.ts'
import { ownerChecks } from './bank/owners.ts'
import { swapChecks } from './bank/swap.ts'
import { touchChecks } from './bank/touch.ts'
import { versionChecks } from './bank/versions.ts'

/** All requirements of the contract of a bank. */
export const bankChecks: readonly BankCheck[] = [
  ...entryChecks,
  ...idChecks,
  ...touchChecks,
  ...swapChecks,
  ...versionChecks,
  ...ownerChecks,
  ...ownerIndexChecks,
  ...manyChecks,
  ...listingChecks,
  ...lifecycleChecks,
]
