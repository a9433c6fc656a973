import { stat } from 'node:fs/promises'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { LmdbStore, openBank } from '@connect-databank/lmdb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newPlace, type Place } from './place.ts'

bankConformance(
  { describe, it: it.concurrent },
  {
    open: async () => {
      const place = await newPlace()
      return { bank: place.bank(), another: async () => place.bank(), close: place.remove }
    },
  },
)

storeConformance(
  { describe, it: it.concurrent },
  {
    open: async (options?: object) => {
      const place = await newPlace()
      const stores: LmdbStore[] = []
      const open = async () => {
        const store = new LmdbStore({ path: place.path, ...options })
        stores.push(store)
        return store
      }
      return {
        store: await open(),
        another: open,
        close: async () => {
          await Promise.all(stores.map((store) => store.close()))
          await place.remove()
        },
      }
    },
  },
)

describe('an LMDB bank', () => {
  let place: Place
  beforeEach(async () => {
    place = await newPlace()
  })
  afterEach(() => place.remove())

  it('is still there after it was closed and opened again', async () => {
    const first = place.bank()
    await first.save('a', { payload: 'x', expires: null })
    await first.touch('a', 9e15)
    await first.close()
    expect(await place.bank().read('a')).toEqual({ payload: 'x', expires: 9e15 })
  })

  it('answers a durable write too, and reads it elsewhere', async () => {
    const [bank, other] = [place.bank({ durable: true }), place.bank({ durable: true })]
    expect(await bank.swap('a', null, { payload: '1', expires: null })).toBe(true)
    expect(await other.swap('a', null, { payload: '2', expires: null })).toBe(false)
    await other.touch('a', 9e15)
    expect(await bank.read('a')).toEqual({ payload: '1', expires: 9e15 })
    expect(await other.delete('a')).toBe(true)
  })

  it('keeps every time exactly, and in order', async () => {
    const bank = place.bank()
    const times = [-8.64e15, -1, -0.5, 0, 0.5, 1, 1e12 + 0.25, 2 ** 53, 8.64e15, 1e300, null]
    for (const expires of times) await bank.save(`at ${expires}`, { payload: 'x', expires })
    for (const expires of times) expect((await bank.read(`at ${expires}`))?.expires).toBe(expires)
    expect(await bank.count(0)).toBe(7)
    expect(await bank.purge(0)).toBe(4)
    expect(await bank.purge(1e300)).toBe(6)
    expect(await bank.count(1e300)).toBe(1)
  })

  it('gives each its own answer, however many batches are under way', async () => {
    const bank = place.bank()
    const isThere = (at: number) => at % 3 === 0 || at % 7 === 0
    const ids = Array.from({ length: 1_000 }, (_, at) => `id ${at}`)
    await Promise.all(ids.filter((_, at) => isThere(at)).map((id) => bank.save(id, { payload: id, expires: null })))
    const answers: Promise<boolean>[] = []
    for (const id of ids) {
      answers.push(bank.delete(id))
      // Not all at once: then they would be one batch.
      await Promise.resolve()
    }
    expect(await Promise.all(answers)).toEqual(ids.map((_, at) => isThere(at)))
  })

  it('keeps text that has no UTF-8 form', async () => {
    const bank = place.bank()
    const payload = '\ud800 alone, \ufeff and \0'
    await bank.save('\udfff', { payload, expires: null })
    expect(await bank.read('\udfff')).toEqual({ payload, expires: null })
    expect(await bank.read('\ufffd')).toBeNull()
    expect(await bank.swap('\udfff', payload, { payload: '2', expires: null })).toBe(true)
  })

  it('keeps 16 MB', async () => {
    const bank = place.bank()
    const payload = 'ü'.repeat(8 * 1024 * 1024)
    await bank.save('big', { payload, expires: null })
    expect((await bank.read('big'))?.payload === payload).toBe(true)
  })

  it('uses the pages of what it freed again', async () => {
    const bank = place.bank()
    const { size: after1 } = await rounds(1)
    const { size: after20 } = await rounds(20)
    expect(after20).toBeLessThan(after1 * 3)

    async function rounds(count: number) {
      for (let round = 0; round < count; round++) {
        await Promise.all(
          Array.from({ length: 500 }, (_, at) => bank.save(`${round} ${at}`, { payload: 'x'.repeat(2000), expires: 1 })),
        )
        expect(await bank.purge(2)).toBe(500)
      }
      return stat(place.path)
    }
  })

  it('is opened by a URL', async () => {
    const bank = openBank(`lmdb:${encodeURI(place.folder)}/a%20b.mdb?durable=true&maxSize=1000000`)
    await bank.save('a', { payload: 'x', expires: null })
    expect(await bank.read('a')).toEqual({ payload: 'x', expires: null })
    await bank.close?.()
    expect((await stat(`${place.folder}/a b.mdb`)).isFile()).toBe(true)
    const same = openBank(`lmdb://${place.folder}/a%20b.mdb`)
    expect(await same.read('a')).not.toBeNull()
    await same.close?.()
  })

  it.each([
    ['lmdb:', {}],
    ['lmdb:%zz', {}],
    ['lmdb:./x.mdb?durable=perhaps', {}],
    ['lmdb:./x.mdb?maxSize=much', {}],
    ['lmdb:./x.mdb?other=1', {}],
    ['lmdb:./x.mdb', { durable: 1 as unknown as boolean }],
  ])('refuses %s %j', (url, options) => {
    expect(() => openBank(url, options)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })
})
