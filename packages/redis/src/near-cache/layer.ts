import { type Bank, type Entry, extend, inNextTurn, publishEvent, type Stored } from 'connect-databank/backend'
import type { RedisBank } from '../bank.ts'
import type { NearCache } from './cache.ts'

/**
 * The layer that answers reads from the cache. A write of this process drops the entry at once. When the write is answered, the cache keeps
 * the new entry, unless others changed the entry meanwhile, perhaps after this write.
 *
 * Every request touches its session. The server does not report this connection's own commands, nor the changes of others just before them.
 * So a touch reads the session again.
 */
export function withNearCache(bank: RedisBank, cache: NearCache): Bank {
  const read = (id: string): Promise<Stored | null> => {
    const kept = cache.get(id)
    if (kept !== undefined) {
      publishEvent('cached', bank.name)
      return inNextTurn(kept)
    }
    return cache.reading(id, bank.read(id))
  }
  const writing = <T>(id: string, write: Promise<T>, storedBy: (answer: T) => Stored | null): Promise<T> => {
    cache.forget(id)
    return cache.writing(id, write, storedBy)
  }
  const forgettingAll = <T>(write: Promise<T>): Promise<T> => {
    cache.forgetAll()
    return write.finally(() => cache.forgetAll())
  }
  return extend(bank, {
    isLocal: true,
    read,
    readMany: (ids) => Promise.all(ids.map(read)),
    save: (id, entry) => writing(id, bank.save(id, entry), (version) => storedAs(entry, version)),
    swap: (id, expected, entry) => writing(id, bank.swap(id, expected, entry), (version) => storedAs(entry, version)),
    delete: (id) => writing(id, bank.delete(id), () => null),
    async touch(id, expires) {
      await cache.writing(id, bank.touchAndRead(id, expires), (stored) => stored)
    },
    clear: () => forgettingAll(bank.clear()),
    // An expired entry is not served anyway.
    purge: (now) => (now <= Date.now() ? bank.purge(now) : forgettingAll(bank.purge(now))),
  })
}

function storedAs({ payload, expires, owner = null }: Entry, version: string | null): Stored | null {
  return version === null ? null : { payload, expires, owner, version }
}
