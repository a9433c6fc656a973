import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { type BankContext, coalesce, type Layer } from 'connect-databank/backend'
import { MongoClient } from 'mongodb'
import { afterAll, describe, it } from 'vitest'
import { MongoBank, type MongoBankOptions, MongoStore } from '../src/index.ts'
import { freshName, within } from './address.ts'

/**
 * The server of the tests may take a second for a thousand operations, and the suites send thousands at once; it takes longer the
 * more connections they come on.
 */
const context: BankContext = { timeout: 20_000, warn: () => undefined }
const fewConnections = { mongoOptions: { maxPoolSize: 8 } }
/** On a server of somebody else's, no other database has this name. */
const DATABASE = 'connect-databank-conformance'

export const limit = 30_000

/** Registers the suite for banks, or a part of it, each check on a collection of its own. */
export function conformance(url: () => string, options: MongoBankOptions = {}, only = (_check: string) => true): void {
  // With a TTL index the server deletes by its own clock.
  const suite = { limit, only, expiresByOwnClock: options.ttlIndex !== false }
  bankConformance({ describe, it }, { open: () => openBanks(url(), options), ...suite })
}

/** Registers the suite for stores. */
export function conformanceOfStore(url: () => string, options: MongoBankOptions = {}): void {
  storeConformance({ describe, it }, { open: () => openStores(url(), options), limit, rounding: 0 })
}

export async function openBanks(url: string, options: MongoBankOptions) {
  const collectionName = freshName()
  const banks: MongoBank[] = []
  const another = async () => {
    const bank = new MongoBank({ url: within(url, DATABASE), collectionName, ...fewConnections, ...options }, context)
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
  const stores: DatabankStore[] = []
  const another = async (storeOptions: object = {}) => {
    const place = { url: within(url, DATABASE), collectionName, ...fewConnections }
    const store = new MongoStore({ ...place, timeout: context.timeout, ...options, ...storeOptions })
    stores.push(store)
    return store
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await drop(url, collectionName)
  }
  const configured = async (settings: StoreSettings, layer: Layer) => {
    const place = { url: within(url, DATABASE), collectionName, ...fewConnections, ...options }
    const store = new DatabankStore({
      timeout: context.timeout,
      ...settings,
      bank: (storeContext) => layer(coalesce(new MongoBank(place, storeContext))),
    })
    stores.push(store)
    return store
  }
  return { store: await another(), another, configured, close }
}

type StoreSettings = Omit<ConstructorParameters<typeof DatabankStore>[0], 'bank'>

/** One client for all that is dropped on a server. It is closed after the tests. */
const clients = new Map<string, MongoClient>()
afterAll(() => Promise.all([...clients.values()].map((client) => client.close())))

async function drop(url: string, collectionName: string): Promise<void> {
  const client = clients.get(url) ?? new MongoClient(within(url, DATABASE))
  clients.set(url, client)
  await client.db(DATABASE).collection(collectionName).drop()
}
