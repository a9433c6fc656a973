// The demo in a process of its own. It answers `measure` with its heap, timers and listeners; after `close` it ends by itself.
import { openStore } from 'connect-databank'
import { createApp } from '../../examples/demo/app.js'
import { describeStorage } from '../../examples/demo/storage.js'
import { collected } from './memory.js'

const url = process.env['SESSION_URL'] || 'memory:'
const store = await openStore(url)
await store.open()
const { app, close } = createApp({
  store,
  storage: describeStorage(url),
  secret: 'of the load test',
  maxAge: 3_600_000,
  absoluteTimeout: 28_800_000,
})
const server = app.listen(0, '127.0.0.1', 4_096, () => process.send?.({ address: server.address() }))

// Visitors keep their connections while others log in.
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
    // Only what `close` left open could keep this process running.
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
