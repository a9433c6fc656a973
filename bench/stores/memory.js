import { createRequire } from 'node:module'
import session from 'express-session'
import { memoryBaseline } from './memory-baseline.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  {
    name: '@connect-databank/memory',
    ours: true,
    open: async () => {
      const { MemoryStore } = await import('@connect-databank/memory')
      const store = new MemoryStore()
      return { store, purge: () => store.cleanup(), close: () => store.close() }
    },
  },
  { name: 'express-session MemoryStore', open: async () => ({ store: new session.MemoryStore() }) },
  {
    name: 'memorystore',
    open: async () => {
      const MemoryStore = load('memorystore')(session)
      const store = new MemoryStore({ checkPeriod: 86_400_000 })
      return { store, purge: async () => store.prune(), close: () => store.stopInterval() }
    },
  },
  memoryBaseline,
]
