import { bankConformance, storeConformance } from '@connect-databank/conformance'
import type { Bank } from 'connect-databank'
import { describe, it } from 'vitest'
import { MongoBank, type MongoBankOptions, MongoStore } from '../src/index.ts'
import { freshName, within } from './address.ts'

/** The servers that the tests have may take a second for a thousand operations, and the suites ask for thousands at once. */
const patience = { timeout: 20_000 }
const limit = 30_000

/** Tells vitest of the suites for banks and for stores, each check on a collection of its own. */
export function conformance(
  url: () => string,
  options: MongoBankOptions = {},
  only: (name: string) => boolean = () => true,
): void {
  bankConformance({ describe, it }, { open: () => openBanks(url(), options), limit, only })
  storeConformance({ describe, it }, { open: () => openStores(url(), options), limit, only })
}

async function openBanks(url: string, options: MongoBankOptions) {
  const collectionName = freshName()
  const banks: Bank[] = []
  const another = async () => {
    const bank = new MongoBank({ url: within(url, 'conformance'), collectionName, ...patience, ...options })
    banks.push(bank)
    return bank
  }
  const close = async () => {
    await Promise.all(banks.map((bank) => bank.close?.()))
  }
  return { bank: await another(), another, close }
}

async function openStores(url: string, options: MongoBankOptions) {
  const collectionName = freshName()
  const stores: MongoStore[] = []
  const another = async () => {
    const store = new MongoStore({ url: within(url, 'conformance'), collectionName, ...patience, ...options })
    stores.push(store)
    return store
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
  }
  return { store: await another(), another, close }
}
