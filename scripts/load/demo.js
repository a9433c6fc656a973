// The demo under load, in a process of its own: answers `measure` with what it holds, and ends by itself after `close`.
import { openStore } from 'connect-databank'
import { createApp } from '../../examples/demo/app.js'
import { describeStorage } from '../../examples/demo/storage.js'
import { collected } from './memory.js'

const url = process.env['SESSION_URL'] || 'memory:'
const store = await openStore(url)
await store.open()
const { app, close } = createApp({ store, storage: describeStorage(url), secret: 'of the load test', life: 3_600_000 })
const server = app.listen(0, '127.0.0.1', 4_096, () => process.send?.({ address: server.address() }))

// Visitors who wait for others to come keep their connections.
server.keepAliveTimeout = 60_000

process.on('message', async (word) => {
  if (word === 'measure') {
    process.send?.({
      heap: await collected(),
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      listeners: listenersOf(store) + listenersOf(process),
    })
  }
  if (word === 'close') {
    // Only what is left open here may keep this process.
    process.removeAllListeners('message')
    process.disconnect()
    close()
    server.close(() => store.close())
    server.closeAllConnections()
  }
})

/** @param {{ eventNames(): (string | symbol)[], listenerCount(name: string | symbol): number }} emitter */
function listenersOf(emitter) {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
}
