import { setTimeout as sleep } from 'node:timers/promises'
import type { Layer } from 'connect-databank/backend'
import { App } from './app.ts'
import type { Grade, RunOptions, Subject } from './check.ts'
import { type AnyStore, Driver, supported } from './store/any-store.ts'
import { SHORT_AGE, type StoreContext, type StoreSettings } from './store/helpers.ts'
import { storeChecks } from './store-checks.ts'
import { grade, type Runner, register } from './suite.ts'

/** A store that was opened for one check. */
export interface OpenedStore {
  /** Fresh and empty. */
  readonly store: AnyStore
  /** Opens a second store on the same storage, as another process would. Leave it out if storage cannot be shared. */
  readonly another?: () => Promise<AnyStore>
  /**
   * Opens a store on the same storage with these options of connect-databank. Its bank is `layer(bank)`; if that is impossible,
   * ignore the layer. Omit it for other stores.
   */
  readonly configured?: (settings: StoreSettings, layer: Layer) => Promise<AnyStore>
  /** Closes all stores that were opened, and removes what they stored. */
  close(): Promise<void>
}

/** Options of the suites for stores. */
export interface StoreSuiteOptions extends RunOptions {
  /** Opens a store for one check: fresh and empty each time. */
  readonly open: () => Promise<OpenedStore>
  /** Methods without a callback return promises. Default: whether the store has connect-databank's method `update`. */
  readonly promises?: boolean
  /** How late a session may expire, in milliseconds. Checks that need an expired session wait as long. Default: 1,000. */
  readonly rounding?: number
}

const ROUNDING = 1_000
/** Timers may end a little early, and clocks of processes differ by as much. */
const TOLERANCE = 60

/**
 * Registers one test for each requirement of an express-session store. A check of an optional method runs if the opened
 * store has the method, and is skipped if not.
 *
 * @example
 * import { describe, it } from 'node:test'
 *
 * storeConformance({ describe, it }, {
 *   open: async () => ({ store: new session.MemoryStore(), close: async () => {} }),
 * })
 */
export function storeConformance(runner: Runner, options: StoreSuiteOptions): void {
  register(runner, 'store conformance', storeChecks, opening(options), options)
}

/** Runs the same checks without a test runner. Resolves with the result of each; never rejects. */
export function gradeStore(options: StoreSuiteOptions): Promise<Grade[]> {
  return grade(storeChecks, opening(options), options)
}

function opening({ open, promises, rounding = ROUNDING }: StoreSuiteOptions): () => Promise<Subject<StoreContext>> {
  return async () => {
    const opened = await open()
    const apps: App[] = []
    const driver = new Driver(opened.store)
    return {
      context: {
        store: driver,
        another: async () => new Driver((await opened.another?.()) as AnyStore),
        configured: async (settings, layer = (bank) => bank) =>
          new Driver(await supported(() => opened.configured!(settings, layer))),
        untilExpired: (age = SHORT_AGE) => sleep(age + rounding + TOLERANCE),
        app: async (settings, on = driver) => {
          const app = await App.listen(on.store, settings)
          apps.push(app)
          return app
        },
      },
      missing: (need) => missing(need, opened, promises),
      close: async () => {
        await Promise.all(apps.map((app) => app.close()))
        await opened.close()
      },
    }
  }
}

function missing(need: string, { store, another, configured }: OpenedStore, promises: boolean | undefined): string | undefined {
  if (need === 'another') return another === undefined ? 'there is no second store on the same storage' : undefined
  if (need === 'configured') return configured === undefined ? 'it is not opened with options of connect-databank' : undefined
  if (need === 'promises')
    return (promises ?? store.update !== undefined) ? undefined : 'it does not say that it returns promises'
  return typeof store[need as keyof AnyStore] === 'function' ? undefined : `there is no ${need}`
}
