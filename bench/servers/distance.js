// A server that is far away: a process delays all data in both directions, without a limit of the bandwidth, and counts the round trips.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median } from '../measuring/statistics.js'

const PINGS = 200

/**
 * @typedef {object} Distance
 * @property {number} port what is sent there arrives at the server
 * @property {() => Promise<number>} roundTrips how many there have been
 * @property {() => Promise<void>} stop
 */

/**
 * @param {number} port of the server, on 127.0.0.1
 * @param {number} milliseconds in each direction
 * @returns {Promise<Distance>}
 */
export async function startDistance(port, milliseconds) {
  const child = fork(join(import.meta.dirname, 'distance-process.js'), [String(port), String(milliseconds)])
  const [message] = await once(child, 'message')
  return {
    port: message.port,
    async roundTrips() {
      const answered = once(child, 'message')
      child.send('how many?')
      return (await answered)[0].roundTrips
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** How long a round trip takes on this machine, in milliseconds: the median of many. @param {number} milliseconds in each direction */
export async function roundTripTime(milliseconds) {
  const echo = createServer(
    (socket) =>
      void socket
        .setNoDelay(true)
        .on('error', () => {})
        .pipe(socket),
  )
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const distance = await startDistance(/** @type {import('node:net').AddressInfo} */ (echo.address()).port, milliseconds)
  const socket = connect(distance.port, '127.0.0.1').setNoDelay(true)
  const took = []
  try {
    while (took.length < PINGS) {
      const start = performance.now()
      socket.write('ping')
      await once(socket, 'data')
      took.push(performance.now() - start)
    }
  } finally {
    socket.destroy()
    echo.close()
    await distance.stop()
  }
  return median(took)
}
