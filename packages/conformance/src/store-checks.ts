import { absoluteTimeoutChecks } from './store/absolute-timeout.ts'
import { badSessionChecks } from './store/bad-sessions.ts'
import { callbackChecks } from './store/callbacks.ts'
import { dataChecks } from './store/data.ts'
import { encryptionChecks } from './store/encryption.ts'
import { expiryChecks } from './store/expiry.ts'
import { hashedIdChecks } from './store/hashed-ids.ts'
import type { StoreCheck } from './store/helpers.ts'
import { listingChecks } from './store/listing.ts'
import { logoutChecks } from './store/logout.ts'
import { lostUpdateChecks } from './store/lost-updates.ts'
import { orderChecks } from './store/order.ts'
import { ownerChecks } from './store/owners.ts'
import { promiseChecks } from './store/promises.ts'
import { requestChecks } from './store/requests.ts'
import { updateChecks } from './store/updates.ts'

/**
 * All requirements of a store: from express-session's documentation and code, from common sense, and, if the store has the methods, from
 * connect-databank's documentation.
 */
export const storeChecks: readonly StoreCheck[] = [
  ...callbackChecks,
  ...promiseChecks,
  ...dataChecks,
  ...badSessionChecks,
  ...orderChecks,
  ...expiryChecks,
  ...listingChecks,
  ...requestChecks,
  ...lostUpdateChecks,
  ...updateChecks,
  ...logoutChecks,
  ...ownerChecks,
  ...absoluteTimeoutChecks,
  ...encryptionChecks,
  ...hashedIdChecks,
]
