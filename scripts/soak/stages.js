// Where the soak runs histories: stores at one location of a backend, undisturbed or through a proxy that fails.
import { DatabankStore, openBank } from 'connect-databank'
import { canList } from '../../testing/backends.js'
import { disturbances } from '../../testing/disturbances.js'
import { startProxy } from '../../testing/proxy.js'

/**
 * @typedef {import('connect-databank').Layer} Layer
 * @typedef {import('../../testing/backends.js').Backend} Backend
 * @typedef {import('../../testing/backends.js').Started} Started
 * @typedef {(layer: Layer) => Promise<import('@connect-databank/conformance').OpenedForHistories>} Open
 */

/** Options of disturbed backends: operations end before the store's time-out, so that the bank reports how. */
const DISTURBED = /** @type {Record<string, object>} */ ({ couchbase: { operationTimeout: 200 } })

/** @param {Backend} backend @param {Started} started @returns {Open} */
export function calm(backend, started) {
  return (layer) => {
    const { url, options } = backend.location(started)
    return openStores(backend, layer, { url, options, timeout: 30_000 })
  }
}

/** For a backend with a server. @param {Backend} backend @param {Started} started @returns {Open} */
export function disturbed(backend, started) {
  const { port, program } = started
  if (port === undefined || program === undefined) throw new Error(`${backend.name} has no server to disturb`)
  const { survives = [], isAnnounced = false } = backend
  return async (layer) => {
    const proxy = await startProxy(port, { isAnnounced })
    const { url, options } = backend.location(started)
    const { disturb, calm: calmDown } = disturbances({ proxy, program, survives })
    const stores = await openStores(backend, layer, {
      url: url.replace(`:${port}`, `:${proxy.port}`),
      options: { ...options, ...DISTURBED[backend.name] },
      timeout: 500,
    })
    const close = async () => {
      await stores.close()
      await proxy.close()
    }
    return { ...stores, disturb, calm: calmDown, close }
  }
}

/**
 * @param {Backend} backend
 * @param {Layer} layer
 * @param {{ url: string, options: Record<string, unknown>, timeout: number }} where
 */
async function openStores(backend, layer, { url, options, timeout }) {
  /** @type {DatabankStore[]} */
  const stores = []
  const only = backend.isShared === false ? await openBank(url, options) : undefined
  const open = async () => {
    const store = new DatabankStore({ bank: layer(only ?? (await openBank(url, options))), timeout })
    if (!canList(backend)) Object.assign(store, { cleanup: undefined })
    stores.push(store)
    return store
  }
  const close = async () => void (await Promise.allSettled(stores.map((store) => store.close())))
  return { store: await open(), another: open, close }
}
