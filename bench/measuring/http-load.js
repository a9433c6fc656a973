// The load on an application: 32 connections that are always busy, requests that arrive one by one, or one after the other.
import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { cookieOf } from './http-server.js'
import { randomOf } from './sessions.js'
import { quantile } from './statistics.js'

/**
 * @typedef {{ requests: number, seconds: number, median: number, p99: number }} Loaded `median` and `p99` in ms
 * @typedef {{ port: number, sessions: number, seconds: number }} Target `sessions`: how many are asked for
 */

const CONNECTIONS = 32

/** Each connection asks again as soon as it has its answer. @param {Target} target @returns {Promise<Loaded>} */
async function inLockstep({ port, sessions, seconds }) {
  const random = randomOf(3)
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.to(port)))
  /** @type {number[]} */
  const took = []
  const start = performance.now()
  const end = start + seconds * 1000
  const lane = async (/** @type {Connection} */ connection) => {
    for (let sent = performance.now(); sent < end; sent = performance.now()) {
      await connection.get(cookieOf(Math.floor(random() * sessions)))
      took.push(performance.now() - sent)
    }
  }
  try {
    await Promise.all(connections.map(lane))
    return loaded(took, start)
  } finally {
    for (const connection of connections) connection.close()
  }
}

/**
 * Requests arrive with exponential gaps, whether or not the earlier ones are answered, each on a connection that has nothing else to do.
 * @param {Target & { rate: number }} target `rate`: requests a second
 * @returns {Promise<Loaded>}
 */
async function oneByOne({ port, sessions, seconds, rate }) {
  const random = randomOf(4)
  /** @type {Set<Connection>} */
  const connections = new Set()
  /** @type {Connection[]} */
  const idle = []
  /** @type {number[]} */
  const took = []
  let underWay = 0
  const send = async (/** @type {number} */ due) => {
    const connection = idle.pop() ?? (await Connection.to(port))
    connections.add(connection)
    await connection.get(cookieOf(Math.floor(random() * sessions)))
    took.push(performance.now() - due)
    idle.push(connection)
  }
  const start = performance.now()
  const end = start + seconds * 1000
  let due = start
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  try {
    await new Promise((resolve, reject) => {
      timer = setInterval(() => {
        for (; due <= performance.now() && due < end; due -= (Math.log(1 - random()) / rate) * 1000) {
          underWay += 1
          send(due).then(() => {
            underWay -= 1
          }, reject)
        }
        if (due >= end && underWay === 0) resolve(undefined)
      }, 1)
    })
    return loaded(took, start)
  } finally {
    clearInterval(timer)
    for (const connection of connections) connection.close()
  }
}

/**
 * One request after the other.
 * @param {{ port: number, sessions: number, count: number }} target
 */
async function alone({ port, sessions, count }) {
  const random = randomOf(5)
  const connection = await Connection.to(port)
  try {
    for (let done = 0; done < count; done += 1) await connection.get(cookieOf(Math.floor(random() * sessions)))
  } finally {
    connection.close()
  }
}

/** @param {readonly number[]} took @param {number} start @returns {Loaded} */
function loaded(took, start) {
  const seconds = (performance.now() - start) / 1000
  return { requests: took.length, seconds, median: quantile(took, 0.5), p99: quantile(took, 0.99) }
}

/** A connection that stays open, with one request at a time. It does little, to leave the processor to the application. */
class Connection {
  #received = ''
  /** @type {((error?: Error) => void) | undefined} */
  #answered

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (text) => this.#receive(String(text)))
    socket.on('close', () => this.#answered?.(new Error('the application closed the connection')))
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

export const load = { inLockstep, oneByOne, alone }
