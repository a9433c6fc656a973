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
    const reading = bank.read(id)
    reading.then(
      (stored) => cache.endRead(id, loading, sessionIn(stored)),
      () => cache.forget(id),
    )
    return reading
  }
  /** `storedBy` says what the write has stored, by its answer. */
  const writing = <T>(id: string, write: Promise<T>, storedBy: (answer: T) => Stored | null): Promise<T> => {
    const loading = cache.beginWrite(id)
    write.then(
      (answer) => cache.endWrite(id, loading, storedBy(answer)),
      () => cache.forget(id),
    )
    return write
  }
  const forgettingAll = <T>(write: Promise<T>): Promise<T> => {
    const forget = (): void => cache.forgetAll()
    forget()
    write.then(forget, forget)
    return write
  }
  return extend(bank, {
    read,
    readMany: (ids) => Promise.all(ids.map(read)),
    save(id, entry) {
      cache.forget(id)
      return writing(id, bank.save(id, entry), (version) => storedAs(entry, version))
    },
    swap(id, expected, entry) {
      cache.forget(id)
      return writing(id, bank.swap(id, expected, entry), (version) => (version === null ? null : storedAs(entry, version)))
    },
    delete(id) {
      cache.forget(id)
      return writing(id, bank.delete(id), () => null)
    },
    async touch(id, expires) {
      await writing(id, bank.touchAndRead(id, expires), sessionIn)
    },
    clear: () => forgettingAll(bank.clear()),
    // What has expired by now is not served anyway.
    purge: (now) => (now <= Date.now() ? bank.purge(now) : forgettingAll(bank.purge(now))),
  })
}

/** A record that is no session is not kept. */
function sessionIn(stored: Stored | null): Stored | null {
  return stored?.corrupt === undefined ? stored : null
}

function storedAs({ payload, expires, owner = null }: Entry, version: string): Stored {
  return { payload, expires, owner, version }
}
