// Whoever asks the application: in lockstep, or one by one.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { cookieOf } from './http-server.js'
import { randomOf } from './sessions.js'
import { quantile } from './statistics.js'

// Not called `require`: it has no types.
const untyped = createRequire(import.meta.url)
const autocannon = untyped('autocannon')

/** @typedef {import('../questions/requests.js').Loaded} Loaded */

/**
 * A fixed number of connections, each of which asks again as soon as it is answered.
 * @param {number} port
 * @param {number} sessions
 * @param {number} seconds
 * @returns {Promise<Loaded>}
 */
async function inLockstep(port, sessions, seconds) {
  const random = randomOf(3)
  const requests = Array.from({ length: 512 }, () => ({ headers: { cookie: cookieOf(Math.floor(random() * sessions)) } }))
  const start = performance.now()
  const result = await autocannon({ url: `http://127.0.0.1:${port}/`, connections: 32, duration: seconds, requests })
  const elapsed = (performance.now() - start) / 1000
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refusals, ${result.errors} errors`)
  return { requests: result['2xx'], seconds: elapsed, median: result.latency.p50, p99: result.latency.p99 }
}

/**
 * Requests that arrive with exponential gaps, each on a connection that has nothing else to do.
 * @param {number} port
 * @param {number} sessions
 * @param {number} seconds
 * @param {number} rate requests a second
 * @returns {Promise<Loaded>}
 */
async function oneByOne(port, sessions, seconds, rate) {
  const random = randomOf(4)
  /** @type {Connection[]} */
  const idle = []
  const made = /** @type {Connection[]} */ ([])
  /** @type {number[]} */
  const took = []
  let underWay = 0
  const send = async (/** @type {number} */ due) => {
    const connection = idle.pop() ?? (await Connection.to(port))
    if (!made.includes(connection)) made.push(connection)
    await connection.get(cookieOf(Math.floor(random() * sessions)))
    took.push(performance.now() - due)
    idle.push(connection)
  }
  const start = performance.now()
  const end = start + seconds * 1000
  let due = start
  await new Promise((resolve, reject) => {
    const tick = setInterval(() => {
      for (; due <= performance.now() && due < end; due -= (Math.log(1 - random()) / rate) * 1000) {
        underWay += 1
        send(due).then(() => {
          underWay -= 1
        }, reject)
      }
      if (due < end || underWay > 0) return
      clearInterval(tick)
      resolve(undefined)
    }, 1)
  })
  for (const connection of made) connection.close()
  return {
    requests: took.length,
    seconds: (performance.now() - start) / 1000,
    median: quantile(took, 0.5),
    p99: quantile(took, 0.99),
  }
}

/** A connection that is kept, with one request at a time: as little work as can be, to leave the processor to the application. */
class Connection {
  #received = ''
  /** @type {((error?: Error) => void) | undefined} */
  #answered

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (text) => this.#receive(String(text)))
    socket.on('close', () => this.#answered?.(new Error('the application hung up')))
  }

  /** @param {number} port */
  static async to(port) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** @param {string} cookie @returns {Promise<void>} */
  get(cookie) {
    this.socket.write(`GET / HTTP/1.1\r\nhost: bench\r\ncookie: ${cookie}\r\n\r\n`)
    return new Promise((resolve, reject) => {
      this.#answered = (error) => (error ? reject(error) : resolve())
    })
  }

  /** @param {string} text */
  #receive(text) {
    this.#received += text
    const head = this.#received.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1])
    if (this.#received.length < head + 4 + length) return
    const isOk = this.#received.startsWith('HTTP/1.1 200')
    const error = isOk ? undefined : new Error(`refused: ${this.#received.slice(0, 40)}`)
    this.#received = ''
    const answered = this.#answered
    this.#answered = undefined
    answered?.(error)
  }

  close() {
    this.socket.destroy()
  }
}

export const load = { inLockstep, oneByOne }
