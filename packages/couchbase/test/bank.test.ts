import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { type CouchbaseBank, CouchbaseStore, openBank } from '@connect-databank/couchbase'
import type { Bank } from 'connect-databank'
import { connect } from 'couchbase'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { missing, notInTheMock, realCluster } from './server.ts'

/** A machine that runs all tests at once takes its time to connect. */
const patient = { connectTimeout: 25_000 }

let places = 0
const nextPrefix = () => `${process.pid}-${Date.now()}-${places++}:`

/** A bank without what its server lacks. */
function withoutListing(bank: CouchbaseBank): Bank {
  return {
    read: (id) => bank.read(id),
    save: (id, entry) => bank.save(id, entry),
    delete: (id) => bank.delete(id),
    touch: (id, expires) => bank.touch(id, expires),
    swap: (id, expected, entry) => bank.swap(id, expected, entry),
    open: () => bank.open(),
    close: () => bank.close(),
  }
}

function suites(name: string, url: () => string, canList: boolean) {
  describe(name, () => {
    bankConformance(
      { describe, it: it.concurrent },
      {
        open: async () => {
          const prefix = nextPrefix()
          const banks: CouchbaseBank[] = []
          const open = () => {
            const bank = openBank(url(), { prefix, ...patient }) as CouchbaseBank
            banks.push(bank)
            return canList ? bank : withoutListing(bank)
          }
          return {
            bank: open(),
            another: async () => open(),
            close: async () => {
              if (canList) await clear(url(), prefix)
              await Promise.all(banks.map((bank) => bank.close()))
            },
          }
        },
      },
    )
    storeConformance(
      { describe, it: it.concurrent },
      {
        open: async (options?: object) => {
          const prefix = nextPrefix()
          const stores: CouchbaseStore[] = []
          const { username, password, bucket, address } = partsOf(url())
          const open = () => {
            const store = new CouchbaseStore({ url: address, username, password, bucket, prefix, ...patient, ...options })
            stores.push(store)
            return canList ? store : Object.assign(store, { all: undefined, length: undefined, clear: undefined })
          }
          return {
            store: open(),
            another: async () => open(),
            close: async () => {
              await Promise.all(stores.map((store) => store.close()))
              if (canList) await clear(url(), prefix)
            },
          }
        },
      },
    )
  })
}

async function clear(url: string, prefix: string) {
  const bank = openBank(url, { prefix })
  await bank.clear?.()
  await bank.close?.()
}

function partsOf(url: string) {
  const [, username = '', password = '', host = '', bucket = ''] =
    /^couchbases?:\/\/([^:]*):([^@]*)@([^/]*)\/(.*)$/.exec(url) ?? []
  return { username, password, bucket, address: `couchbase://${host}` }
}

describe.skipIf(missing)('Couchbase', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(async () => {
    await mock?.stop()
  })

  suites('on CouchbaseMock', () => mock.url, false)

  it.skipIf(realCluster === undefined)(
    `listing: ${realCluster === undefined ? `left out: ${notInTheMock}` : 'on the real cluster'}`,
    () => undefined,
  )
  if (realCluster !== undefined) suites('on the cluster of COUCHBASE_URL', () => realCluster as string, true)

  describe('a Couchbase bank', () => {
    const hour = () => Date.now() + 3_600_000
    const open = (options = {}) => openBank(mock.url, { prefix: nextPrefix(), ...options }) as CouchbaseBank

    it('swaps nothing for what is dead already, only if nothing is there', async () => {
      const bank = open()
      const living = { payload: 'living', expires: hour() }
      await bank.save('a', living)
      expect(await bank.swap('a', null, { payload: 'dead', expires: 1_000 })).toBe(false)
      expect(await bank.read('a')).toEqual(living)
      expect(await bank.swap('missing', null, { payload: 'dead', expires: 1_000 })).toBe(true)
      expect(await bank.read('missing')).toBeNull()
      await bank.close?.()
    })

    it('reads what connect-couchbase stored, writes it, touches it', async () => {
      const prefix = nextPrefix()
      const bank = open({ prefix })
      const cluster = await connect(mock.url.replace(/\/\/.*@/, '//').replace(/\/default$/, ''), {
        username: 'user',
        password: 'x',
      })
      const collection = cluster.bucket('default').defaultCollection()
      const expires = new Date(Date.now() + 60_000)
      // As connect-couchbase 0.2.10 does it: the JSON as a string.
      const text = JSON.stringify({
        cookie: { originalMaxAge: 60_000, expires, httpOnly: true, path: '/' },
        expires: 'mine',
        n: 1,
      })
      for (const id of ['read', 'swapped', 'touched']) await collection.upsert(prefix + id, text, { expiry: 60 })
      const death = (await bank.read('read'))?.expires as number
      expect(await bank.read('read')).toEqual({ payload: text, expires: expect.any(Number) })
      expect(Math.abs(death - expires.getTime())).toBeLessThan(2_000)
      expect(await bank.swap('swapped', text, { payload: 'new', expires: null })).toBe(true)
      expect(await bank.read('swapped')).toEqual({ payload: 'new', expires: null })
      const later = hour() + 0.5
      await bank.touch('touched', later)
      expect(await bank.read('touched')).toEqual({ payload: text, expires: later })
      await cluster.close()
      await bank.close()
    })

    it('keeps a session under the key that connect-couchbase would look under, to be freed at the next full second', async () => {
      const bank = openBank(mock.url)
      const cluster = await connect(mock.url.replace(/\/\/.*@/, '//').replace(/\/default$/, ''), {
        username: 'user',
        password: 'x',
      })
      const expires = hour()
      await bank.save('a', { payload: 'x', expires })
      const { content } = await cluster.bucket('default').defaultCollection().get('sess:a')
      expect(content).toEqual({ databank: { version: 1, expires, write: expect.any(String) }, payload: 'x' })
      await cluster.close()
      await bank.delete('a')
      await bank.close?.()
    })

    it('takes ids as long as can be, and the ones that look like their hashes', async () => {
      const bank = open()
      const long = [
        'k'.repeat(199),
        'k'.repeat(300),
        'ü'.repeat(150),
        'ü'.repeat(5_000),
        '#',
        `#${'k'.repeat(43)}`,
        '\ud800',
        '\udfff',
        '\ufffd',
      ]
      for (const id of long) await bank.save(id, { payload: `of ${id}`, expires: null })
      for (const id of long) expect(await bank.read(id)).toEqual({ payload: `of ${id}`, expires: null })
      await bank.close()
    })

    it('keeps text that has no UTF-8 form through a touch', async () => {
      const bank = open()
      const payload = '\ud800 alone, \ufeff and \0'
      await bank.save('a', { payload, expires: null })
      const later = hour()
      await bank.touch('a', later)
      expect(await bank.read('a')).toEqual({ payload, expires: later })
      expect(await bank.swap('a', payload, { payload: '2', expires: null })).toBe(true)
      await bank.close()
    })

    it('keeps what lives beyond the time that the server can count', async () => {
      const bank = open()
      for (const expires of [Date.UTC(2106, 1, 8), 8.64e15, null, Date.now() + 40 * 86_400_000]) {
        await bank.save('a', { payload: 'x', expires })
        expect(await bank.read('a')).toEqual({ payload: 'x', expires })
      }
      await bank.close()
    })

    it('swaps and touches right when everything was forgotten', async () => {
      const bank = open({ memory: 0 })
      await bank.save('a', { payload: '1', expires: null })
      expect(await bank.swap('a', '0', { payload: '2', expires: null })).toBe(false)
      expect(await bank.swap('a', '1', { payload: '2', expires: null })).toBe(true)
      const later = hour()
      await bank.touch('a', later)
      expect(await bank.read('a')).toEqual({ payload: '2', expires: later })
      await bank.close()
    })

    it('refuses to list, and says why, where the server cannot', async () => {
      const bank = open()
      const refusal = expect.objectContaining({
        code: 'DATABANK_NOT_SUPPORTED',
        message: expect.stringMatching(/range scan.*index/),
      })
      await expect(bank.count(0)).rejects.toEqual(refusal)
      await expect(bank.clear()).rejects.toEqual(refusal)
      await bank.close()
    })
  })
})
