import { App } from './app.ts'
import type { Grade, RunOptions, Subject } from './check.ts'
import { type AnyStore, Driver } from './store/any-store.ts'
import type { StoreContext } from './store/kit.ts'
import { storeChecks } from './store-checks.ts'
import { grade, type Runner, register } from './suite.ts'

/** A store that was opened for one check. */
export interface OpenedStore {
  /** Fresh and empty. */
  readonly store: AnyStore
  /** Opens a second store on the same place, as another process would. Leave it out where a place cannot be shared. */
  readonly another?: () => Promise<AnyStore>
  /** Closes all of it, the other stores too, and removes what they stored. */
  close(): Promise<void>
}

/** What the suites for stores are given. */
export interface StoreSuiteOptions extends RunOptions {
  /** Opens a store for one check: fresh and empty each time. */
  readonly open: () => Promise<OpenedStore>
}

/**
 * Tells a test runner of everything that is asked of an express-session store, of whatever make. Which optional part runs is
 * read off the methods of the opened store; a check of a missing one is skipped.
 *
 * @example
 * import { describe, it } from 'node:test'
 *
 * storeConformance({ describe, it }, {
 *   open: async () => ({ store: new session.MemoryStore(), close: async () => {} }),
 * })
 */
export function storeConformance(runner: Runner, { open, ...options }: StoreSuiteOptions): void {
  register(runner, 'store conformance', storeChecks, opening(open), options)
}

/** Runs the same checks without a test runner, and answers what came of each. Never rejects. */
export function gradeStore({ open, ...options }: StoreSuiteOptions): Promise<Grade[]> {
  return grade(storeChecks, opening(open), options)
}

function opening(open: () => Promise<OpenedStore>): () => Promise<Subject<StoreContext>> {
  return async () => {
    const opened = await open()
    const apps: App[] = []
    const driver = new Driver(opened.store)
    return {
      context: {
        store: driver,
        another: async () => new Driver((await opened.another?.()) as AnyStore),
        app: async (settings, on = driver) => {
          const app = await App.listen(on.store, settings)
          apps.push(app)
          return app
        },
      },
      missing: (need) => {
        const isThere =
          need === 'another' ? opened.another !== undefined : typeof opened.store[need as keyof AnyStore] === 'function'
        return isThere ? undefined : `there is no ${need}`
      },
      close: async () => {
        await Promise.all(apps.map((app) => app.close()))
        await opened.close()
      },
    }
  }
}
