import { type Bank, type Entry, extend, publishEvent, type Stored } from 'connect-databank/backend'
import type { RedisBank } from '../bank.ts'
import type { NearCache } from './cache.ts'

type CachedMethods = 'read' | 'readMany' | 'save' | 'swap' | 'delete' | 'touchAndRead' | 'clear' | 'purge'

/** A bank with these methods of a Redis bank. */
export type CacheableBank = Omit<Bank, CachedMethods> & Pick<RedisBank, CachedMethods>

/**
 * The layer that answers reads from the cache. A write of this process drops the entry at once, and keeps what it has stored when it is
 * answered, unless others changed the entry meanwhile: they may have done so after it.
 *
 * A session in use is touched by every request. The server does not report what this connection does itself, nor what others did just
 * before. So a touch reads what it has touched.
 */
export function withNearCache(bank: CacheableBank, cache: NearCache): Bank {
  const read = (id: string): Promise<Stored | null> => {
    const kept = cache.get(id)
    if (kept !== undefined) {
      publishEvent('cached', bank.name)
      return Promise.resolve(kept)
    }
    const loading = cache.beginRead(id)
    if (loading === undefined) return bank.read(id)
    return bank.read(id).then(
      (stored) => {
        cache.endRead(id, loading, sessionIn(stored))
        return stored
      },
      (error) => {
        cache.endRead(id, loading, null)
        throw error
      },
    )
  }
  /** `storedBy` says what the write has stored, by its answer. */
  const writing = <T>(id: string, write: () => Promise<T>, storedBy: (answer: T) => Stored | null): Promise<T> => {
    const loading = cache.beginWrite(id)
    const done = write()
    done.then(
      (answer) => cache.endWrite(id, loading, storedBy(answer)),
      () => cache.forget(id),
    )
    return done
  }
  const forgetting = <T>(forget: () => void, write: () => Promise<T>): Promise<T> => {
    forget()
    const done = write()
    done.then(forget, forget)
    return done
  }
  const forgetAll = (): void => cache.forgetAll()
  return extend(bank, {
    read,
    readMany: (ids) => Promise.all(ids.map(read)),
    save(id, entry) {
      cache.forget(id)
      const write = (): Promise<string> => bank.save(id, entry)
      return writing(id, write, (version) => storedAs(entry, version))
    },
    swap(id, expected, entry) {
      cache.forget(id)
      const write = (): Promise<string | null> => bank.swap(id, expected, entry)
      return writing(id, write, (version) => (version === null ? null : storedAs(entry, version)))
    },
    delete(id) {
      const forget = (): void => cache.forget(id)
      return forgetting(forget, () => bank.delete(id))
    },
    async touch(id, expires) {
      const write = (): Promise<Stored | null> => bank.touchAndRead(id, expires)
      await writing(id, write, sessionIn)
    },
    clear: () => forgetting(forgetAll, () => bank.clear()),
    // What has expired by now is not served anyway.
    purge: (now) => (now <= Date.now() ? bank.purge(now) : forgetting(forgetAll, () => bank.purge(now))),
  })
}

/** A record that is no session is not kept. */
function sessionIn(stored: Stored | null): Stored | null {
  return stored?.corrupt === undefined ? stored : null
}

function storedAs({ payload, expires, owner = null }: Entry, version: string): Stored {
  return { payload, expires, owner, version }
}
