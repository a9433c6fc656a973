import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { MongoClient } from 'mongodb'
import { afterAll, describe, it } from 'vitest'
import { MongoBank, type MongoBankOptions, MongoStore } from '../src/index.ts'
import { freshName, within } from './address.ts'

/**
 * The server of the tests may take a second for a thousand operations, and the suites ask for thousands at once; it takes longer
 * the more connections they come on.
 */
const patience = { timeout: 20_000, mongoOptions: { maxPoolSize: 8 } }
/** On a server of somebody's, nobody else will have this. */
const DATABASE = 'connect-databank-conformance'

export const limit = 30_000

/** Tells vitest of the suites for banks and for stores, each check on a collection of its own. */
export function conformance(
  url: () => string,
  options: MongoBankOptions = {},
  only: (name: string) => boolean = () => true,
): void {
  bankConformance({ describe, it }, { open: () => openBanks(url(), options), limit, only })
  storeConformance({ describe, it }, { open: () => openStores(url(), options), limit, only })
}

export async function openBanks(url: string, options: MongoBankOptions) {
  const collectionName = freshName()
  const banks: MongoBank[] = []
  const another = async () => {
    const bank = new MongoBank({ url: within(url, DATABASE), collectionName, ...patience, ...options })
    banks.push(bank)
    return bank
  }
  const close = async () => {
    await Promise.all(banks.map((bank) => bank.close()))
    await drop(url, collectionName)
  }
  return { bank: await another(), another, close }
}

export async function openStores(url: string, options: MongoBankOptions) {
  const collectionName = freshName()
  const stores: MongoStore[] = []
  const another = async () => {
    const store = new MongoStore({ url: within(url, DATABASE), collectionName, ...patience, ...options })
    stores.push(store)
    return store
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await drop(url, collectionName)
  }
  return { store: await another(), another, close }
}

/** One client for all that are dropped on a server; it ends with the tests. */
const clients = new Map<string, MongoClient>()
afterAll(() => Promise.all([...clients.values()].map((client) => client.close())))

async function drop(url: string, collectionName: string): Promise<void> {
  const client = clients.get(url) ?? new MongoClient(within(url, DATABASE))
  clients.set(url, client)
  await client.db(DATABASE).collection(collectionName).drop()
}
