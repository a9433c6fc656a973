import { readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

/** @type {import('./index.js').MeasuredStore} */
const bareFiles = {
  name: 'node:fs, bare',
  limit: true,
  open: async ({ folder }) => {
    /** @param {string} sid */
    const file = (sid) => join(folder, sid)
    let writes = 0
    return {
      client: {
        get: (sid) => readFile(file(sid), 'utf8'),
        set: async (sid, text) => {
          // A name of its own: two writes of one session may be under way.
          const draft = `${file(sid)}.${writes++}`
          await writeFile(draft, text)
          await rename(draft, file(sid))
        },
        touch: (sid, expires) => utimes(file(sid), expires / 1000, expires / 1000),
      },
    }
  },
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  {
    name: '@connect-databank/disk',
    ours: true,
    open: async ({ folder }) => {
      const { DiskStore } = await import('@connect-databank/disk')
      const store = new DiskStore({ path: folder })
      await store.open()
      return { store, purge: () => store.cleanup(), close: () => store.close() }
    },
  },
  {
    name: 'session-file-store',
    open: async ({ folder }) => {
      const FileStore = load('session-file-store')(session)
      const helpers = load('session-file-store/lib/session-file-helpers')
      const store = new FileStore({ path: folder, ttl: 86_400, reapInterval: -1, logFn: () => {} })
      return { store, purge: () => new Promise((done) => helpers.reap(store.options, done)) }
    },
  },
  bareFiles,
]
