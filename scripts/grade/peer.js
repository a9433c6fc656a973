// What the stores of other makers are opened with.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../command.js'

/** Loads a package of bench/, or of the repository. @type {(name: string) => any} */
export const peer = createRequire(join(root, 'bench/package.json'))
export const session = () => peer('express-session')

/** How often a store deletes expired sessions, in milliseconds: often, so that it does not count them for long. */
export const SWEEP = 400
/** The same for a store with a setting in minutes. */
export const SWEEP_IN_MINUTES = 0.005
/** The same for a store that counts in whole seconds, and so sees up to a second later that a session has expired. */
export const SWEEP_OF_SECONDS = 20

/** What a reader of the grades has to know of stores that send several calls at the same time. */
export const NOTE_ON_ORDER =
  'Calls of connect-mongo, connect-pg-simple, connect-session-knex, connect-session-sequelize, connect-sqlite3 and express-mysql-session overtake each other. The checks of concurrent calls and of the redirect do not fail in every run.'

/**
 * One store on a location, and others on demand.
 * @param {() => Promise<{ store: any, close: () => Promise<unknown> }>} open
 * @returns {Promise<import('./stores.js').OpenedStore>}
 */
export async function several(open) {
  const all = [await open()]
  return {
    store: all[0]?.store,
    async another() {
      const one = await open()
      all.push(one)
      return one.store
    },
    async close() {
      for (const { close } of all) await close()
    },
  }
}
