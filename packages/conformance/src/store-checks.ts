import { answerChecks } from './store/answers.ts'
import { dataChecks } from './store/data.ts'
import type { StoreCheck } from './store/kit.ts'
import { lifeChecks } from './store/life.ts'
import { logoutChecks } from './store/logout.ts'
import { orderChecks } from './store/order.ts'
import { raceChecks } from './store/races.ts'
import { requestChecks } from './store/requests.ts'
import { wholeChecks } from './store/whole.ts'

/** Everything that express-session's documentation, its code or plain sense asks of a store. */
export const storeChecks: readonly StoreCheck[] = [
  ...answerChecks,
  ...dataChecks,
  ...orderChecks,
  ...lifeChecks,
  ...wholeChecks,
  ...requestChecks,
  ...raceChecks,
  ...logoutChecks,
]
