// The conformance suites over the built packages, as a program of node:test. It runs on every Node that we support.
import { describe, it } from 'node:test'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openBank } from 'connect-databank'
import { patience, places } from './places.js'

// Hidden where the server offers no way to do it: the suites skip what isn't there.
const bankLists = { scan: undefined, count: undefined, clear: undefined, purge: undefined }
const storeLists = { all: undefined, length: undefined, clear: undefined }

for (const [name, { isShared, canList, open }] of Object.entries(places)) {
  /**
   * Opens something on a fresh, empty place, and more of it there on demand.
   * @template {{ close?: () => Promise<void> }} T
   * @param {(bank: import('connect-databank').Bank) => T} make
   */
  const opener = (make) => async () => {
    const { url, options, remove } = await open()
    /** @type {T[]} */
    const opened = []
    const another = async () => {
      const one = make(await openBank(url, options))
      opened.push(one)
      return one
    }
    const close = async () => {
      await Promise.all(opened.map((each) => each.close?.()))
      await remove()
    }
    return { first: await another(), close, ...(isShared ? { another } : {}) }
  }
  const openBanks = opener((bank) => Object.assign(bank, canList ? {} : bankLists))
  const openStores = opener((bank) => Object.assign(new DatabankStore({ bank, timeout: patience }), canList ? {} : storeLists))

  describe(`${name}, bank`, () => {
    bankConformance(
      { describe, it },
      {
        limit: patience,
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
        limit: patience,
        async open() {
          const { first: store, ...rest } = await openStores()
          return { store, ...rest }
        },
      },
    )
  })
}
