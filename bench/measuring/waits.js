// How long requests wait for their store.
import { performance } from 'node:perf_hooks'

/**
 * Measures the calls that express-session makes, from now on. Replaces the methods of this store.
 * @param {any} store
 * @returns {() => number} how long (ms) they took together since the last time that this was asked
 */
export function watchWaits(store) {
  let waited = 0
  for (const method of ['get', 'set', 'touch']) {
    const original = store[method]
    if (original === undefined) continue
    store[method] = (/** @type {any[]} */ ...args) => {
      const callback = args.pop()
      const start = performance.now()
      original.call(store, ...args, (/** @type {unknown[]} */ ...answer) => {
        waited += performance.now() - start
        callback(...answer)
      })
    }
  }
  return () => {
    const before = waited
    waited = 0
    return before
  }
}
