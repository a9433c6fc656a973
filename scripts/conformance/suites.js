// The conformance suites over the built packages, as a program of node:test. It runs on every Node that we support.
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { DatabankStore, openBank } from 'connect-databank'
import { scratchFolder } from '../servers/program.js'

/**
 * A fresh, empty place: the URL of it, and how to remove it.
 * @typedef {{ url: string, remove: () => Promise<void> }} Place
 * @type {Record<string, { isShared: boolean, place: () => Promise<Place> }>}
 */
const backends = {
  memory: { isShared: false, place: async () => ({ url: 'memory:', remove: async () => {} }) },
  disk: { isShared: true, place: () => inFolder('disk') },
  lmdb: { isShared: true, place: () => inFolder('lmdb') },
}

/** @param {string} scheme */
async function inFolder(scheme) {
  const { path, remove } = await scratchFolder()
  return { url: `${scheme}:${join(path, 'sessions')}`, remove }
}

for (const [name, { isShared, place }] of Object.entries(backends)) {
  /** @template T @param {(url: string) => Promise<T & { close?: () => Promise<void> }>} make */
  const opener = (make) => async () => {
    const { url, remove } = await place()
    const opened = [await make(url)]
    const another = async () => {
      const other = await make(url)
      opened.push(other)
      return other
    }
    return {
      first: /** @type {T} */ (opened[0]),
      another: isShared ? another : undefined,
      async close() {
        await Promise.all(opened.map((each) => each.close?.()))
        await remove()
      },
    }
  }
  const banks = opener((url) => openBank(url))
  const stores = opener(async (url) => new DatabankStore({ bank: await openBank(url) }))

  describe(`${name}, bank`, () => {
    bankConformance(
      { describe, it },
      {
        async open() {
          const { first, another, close } = await banks()
          return { bank: first, close, ...(another === undefined ? {} : { another }) }
        },
      },
    )
  })
  describe(`${name}, store`, () => {
    storeConformance(
      { describe, it },
      {
        async open() {
          const { first, another, close } = await stores()
          return { store: first, close, ...(another === undefined ? {} : { another }) }
        },
      },
    )
  })
}
