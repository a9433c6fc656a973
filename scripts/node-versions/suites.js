// The conformance suites of the built packages, run by node:test on every supported version of Node.js.
import { after, describe, it } from 'node:test'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openBank } from 'connect-databank'
import { DEFAULT_CONTEXT } from 'connect-databank/backend'
import { backends, canList, missing } from '../../testing/backends.js'

/** How long an operation may take, in milliseconds: a stand-in server on a busy machine is slow. */
const TIMEOUT = 30_000

// The suites skip missing methods.
const WITHOUT_LISTING = {
  bank: { scan: undefined, count: undefined, clear: undefined, purge: undefined },
  store: { all: undefined, length: undefined, clear: undefined },
}

/** better-sqlite3 is compiled for the Node.js that installed it, and Node.js before 22.13 has no node:sqlite. */
async function hasNoEngine() {
  const bank = await openBank('sqlite::memory:')
  return bank.open?.().then(
    () => bank.close?.().then(() => false),
    (error) => error.code === 'DATABANK_MISSING_PACKAGE',
  )
}

for (const backend of backends) {
  if (missing(backend) !== undefined) continue
  if (backend.name === 'sqlite' && (await hasNoEngine())) {
    process.stderr.write(
      `SQLite is left out: Node.js ${process.version} has neither node:sqlite nor a better-sqlite3 that was compiled for it\n`,
    )
    continue
  }
  const { name, isShared = true, expiresByOwnClock = false } = backend
  const hidden = canList(backend) ? { bank: {}, store: {} } : WITHOUT_LISTING
  const started = await backend.start()
  after(() => started.stop())

  /**
   * Opens a bank at a new location, and others at the same location on demand.
   * @template {{ close?: () => Promise<void> }} T
   * @param {(bank: import('connect-databank').Bank) => T} make
   */
  const opener = (make) => async () => {
    const { url, options } = backend.location(started)
    /** @type {T[]} */
    const opened = []
    const another = async () => {
      const one = make(await openBank(url, options, { ...DEFAULT_CONTEXT, timeout: TIMEOUT }))
      opened.push(one)
      return one
    }
    const close = async () => void (await Promise.all(opened.map((each) => each.close?.())))
    return { first: await another(), close, ...(isShared ? { another } : {}) }
  }
  const openBanks = opener((bank) => Object.assign(bank, hidden.bank))
  const openStores = opener((bank) => Object.assign(new DatabankStore({ bank, timeout: TIMEOUT }), hidden.store))

  describe(`${name}, bank`, () => {
    bankConformance(
      { describe, it },
      {
        limit: TIMEOUT,
        expiresByOwnClock,
        async open() {
          const { first: bank, ...rest } = await openBanks()
          return { bank, ...rest }
        },
      },
    )
  })
  describe(`${name}, store`, () => {
    storeConformance(
      { describe, it },
      {
        limit: TIMEOUT,
        rounding: 0,
        async open() {
          const { first: store, ...rest } = await openStores()
          return { store, ...rest }
        },
      },
    )
  })
}
