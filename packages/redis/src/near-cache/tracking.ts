import type { ConnectionListener } from '../connection.ts'
import type { NearCache } from './cache.ts'

/**
 * Makes the server report every change under the prefix to the cache (RESP3, `CLIENT TRACKING ON BCAST`), on the connection of the reads.
 * So the reports are in order with the answers.
 */
export function track(cache: Pick<NearCache, 'on' | 'off' | 'changed'>, prefix = 'sess:'): ConnectionListener {
  return {
    clientOptions({ BasicClientSideCache }) {
      class Broadcast extends BasicClientSideCache {
        /**
         * Sent each time the client connects, before it is ready. With NOLOOP the server does not report the last change of this
         * connection to a key, nor changes of others just before it: our own writes drop the entry themselves.
         */
        override trackingOn(): string[] {
          return ['CLIENT', 'TRACKING', 'ON', 'BCAST', ...(prefix === '' ? [] : ['PREFIX', prefix]), 'NOLOOP']
        }

        override invalidate(key: string | Buffer | null): void {
          cache.changed(key === null ? null : key.toString().slice(prefix.length))
        }
      }
      return { clientSideCache: new Broadcast() }
    },
    onAnswer: () => cache.on(),
    onLost: () => cache.off(),
  }
}
