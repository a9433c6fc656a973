import { type Bank, coalesce, DatabankStore, type StoreOptions, splitOptions } from 'connect-databank'
import { MongoBank } from './bank.ts'
import type { MongoBankOptions } from './options.ts'

export type { MongoClientLike } from './driver.ts'
export { MongoBank, type MongoBankOptions }

/** The options of a `MongoStore`. All times are in milliseconds. */
export interface MongoStoreOptions extends Omit<MongoBankOptions, 'timeout'>, Omit<StoreOptions, 'bank'> {}

/**
 * A session store on MongoDB. It connects at the first request; `await store.open()` to connect now.
 *
 * @example
 * app.use(session({ store: new MongoStore({ url: 'mongodb://127.0.0.1/app' }), secret, resave: false, saveUninitialized: false }))
 * @throws DATABANK_INVALID_OPTION
 */
export class MongoStore extends DatabankStore {
  constructor(options: MongoStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    const { log, timeout } = storeOptions
    super({
      ...storeOptions,
      bank: openMongoBank({
        ...(log !== undefined && { onWarning: (message: string) => log.warn(message) }),
        ...(timeout !== undefined && { timeout }),
        ...bankOptions,
      }),
    })
  }
}

/**
 * The bank that a URL names: `mongodb://…` and `mongodb+srv://…`, with the database in it.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: MongoBankOptions = {}): Bank {
  return openMongoBank({ url, ...options })
}

/** Reads and touches that come in together go out as one command: the driver's cost is the command, not the document. */
function openMongoBank(options: MongoBankOptions): Bank {
  return coalesce(new MongoBank(options))
}
