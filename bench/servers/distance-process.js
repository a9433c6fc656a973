// The process between a client and a server that is far away. Timers of Node.js count whole milliseconds, and half of one is wanted: so this
// process blocks itself for shorter times, and does nothing else.
//
// node distance-process.js <port of the server> <milliseconds in each direction>
import { connect, createServer } from 'node:net'
import { performance } from 'node:perf_hooks'

/** How long (ms) it sleeps at most before it looks at its sockets again. */
const SLEEP = 0.05

const [port, latency] = /** @type {[number, number]} */ (process.argv.slice(2).map(Number))
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** @typedef {{ due: number, socket: import('node:net').Socket, chunk: Buffer }} UnderWay */

/** What has to arrive, in the order of `due`. @type {UnderWay[]} */
const underWay = []
let roundTrips = 0
let isRunning = false

function run() {
  const now = performance.now()
  const arrived = underWay.findIndex(({ due }) => due > now)
  for (const { socket, chunk } of underWay.splice(0, arrived < 0 ? underWay.length : arrived)) {
    if (!socket.destroyed) socket.write(chunk)
  }
  const [next] = underWay
  isRunning = next !== undefined
  if (next === undefined) return
  const rest = next.due - performance.now()
  if (rest > 0) Atomics.wait(sleeper, 0, 0, Math.min(rest, SLEEP))
  setImmediate(run)
}

/** @param {import('node:net').Socket} socket @param {Buffer} chunk */
function pass(socket, chunk) {
  underWay.push({ due: performance.now() + latency, socket, chunk })
  if (isRunning) return
  isRunning = true
  setImmediate(run)
}

const listener = createServer((client) => {
  const server = connect(port, '127.0.0.1')
  let isAnswered = true
  client.on('data', (chunk) => {
    // What the client sends before it has an answer belongs to the same round trip.
    if (isAnswered) roundTrips += 1
    isAnswered = false
    pass(server, /** @type {Buffer} */ (chunk))
  })
  server.on('data', (chunk) => {
    isAnswered = true
    pass(client, /** @type {Buffer} */ (chunk))
  })
  for (const [socket, other] of /** @type {const} */ ([
    [client, server],
    [server, client],
  ])) {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => other.destroy())
  }
})
listener.listen(0, '127.0.0.1', () => {
  process.send?.({ port: /** @type {import('node:net').AddressInfo} */ (listener.address()).port })
})

process.on('message', () => process.send?.({ roundTrips }))
process.on('disconnect', () => process.exit())
