import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { CouchbaseBank, openBank } from '@connect-databank/couchbase'
import { DatabankStore, type Layer } from 'connect-databank'
import { type Bank, type BankContext, extend } from 'connect-databank/backend'
import { describe, it } from 'vitest'
import { nextPrefix, patient } from './support.ts'

/** A bank without what needs a query service. */
export function withoutListing(bank: Bank): Bank {
  return extend(bank, { scan: undefined, purge: undefined })
}

type StoreSettings = Omit<ConstructorParameters<typeof DatabankStore>[0], 'bank'>

/** Registers the suites for banks and for stores. */
export function conformance(name: string, url: () => string, canList: boolean): void {
  const offered = (bank: Bank): Bank => (canList ? bank : withoutListing(bank))
  const suite = { limit: 30_000 }

  async function openBanks() {
    const prefix = nextPrefix()
    const banks: Bank[] = []
    const another = async () => {
      const bank = offered(openBank(url(), { prefix, ...patient }))
      banks.push(bank)
      return bank
    }
    const close = async () => {
      await Promise.all(banks.map((bank) => bank.close?.()))
      if (canList) await clear(url(), prefix)
    }
    return { bank: await another(), another, close }
  }

  async function openStores() {
    const prefix = nextPrefix()
    const stores: DatabankStore[] = []
    const configured = async (settings: StoreSettings = {}, layer: Layer = (bank) => bank) => {
      const make = (context: BankContext) => layer(offered(openBank(url(), { prefix, ...patient }, context)))
      const store = new DatabankStore({ timeout: 20_000, cleanupInterval: null, ...settings, bank: make })
      stores.push(store)
      return canList ? store : Object.assign(store, { all: undefined, length: undefined, clear: undefined, cleanup: undefined })
    }
    const close = async () => {
      await Promise.all(stores.map((store) => store.close()))
      if (canList) await clear(url(), prefix)
    }
    return { store: await configured(), another: () => configured(), configured, close }
  }

  describe(name, () => {
    const runner = { describe, it: it.concurrent }
    bankConformance(runner, { open: openBanks, expiresByOwnClock: true, ...suite })
    storeConformance(runner, { open: openStores, rounding: 0, ...suite })
  })
}

async function clear(url: string, prefix: string): Promise<void> {
  const bank = new CouchbaseBank({ url, prefix })
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  await Promise.all(ids.map((id) => bank.delete(id)))
  await bank.close()
}
