// A TCP proxy between a client and a server, with which tests simulate failures of the network.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @typedef {{ client: import('node:net').Socket, server: import('node:net').Socket, isSilent: boolean }} Connection
 * @typedef {{ text: string, run: (connection: Connection, chunk: Buffer, at: number) => void }} Trigger `text`: the text that the client sends
 */

export class FaultyProxy {
  /** @type {Set<Connection>} */
  #connections = new Set()
  /** @type {Trigger[]} */
  #triggers = []
  #isSilent = false
  /** @type {{ delay: number, bytes: number } | undefined} */
  #slowness
  #latency = 0
  /** @type {Map<import('node:net').Socket, Promise<void>>} the delayed data of each socket */
  #delayed = new Map()

  /**
   * @param {number} target the port of the server, on 127.0.0.1
   * @param {{ isAnnounced?: boolean }} [options] `isAnnounced`: the server announces its port to its clients, which would then bypass
   *   the proxy. So the proxy replaces that port in the server's data (as text: `:11210`) by its own, which has as many digits.
   */
  constructor(target, { isAnnounced = false } = {}) {
    this.target = target
    this.isAnnounced = isAnnounced
    this.port = 0
    this.listener = createServer((socket) => this.#accept(socket))
  }

  /** Listens on a free port; after `refuse`, on the same port as before. */
  async listen() {
    for (;;) {
      this.listener.listen(this.port, '127.0.0.1')
      await once(this.listener, 'listening')
      const { port } = /** @type {import('node:net').AddressInfo} */ (this.listener.address())
      if (!this.isAnnounced || `${port}`.length === `${this.target}`.length) {
        this.port = port
        return this
      }
      this.listener.close()
      await once(this.listener, 'close')
    }
  }

  /** Cuts all connections and accepts no new ones, as if no server were listening. */
  async refuse() {
    const closed = once(this.listener, 'close')
    this.listener.close()
    this.cut()
    await closed
  }

  /** Cuts all connections; new ones are accepted. */
  cut() {
    for (const connection of this.#connections) cutOne(connection)
  }

  /** Passes no data in either direction, with connections left open. New connections are silent too. */
  silence() {
    this.#isSilent = true
    for (const connection of this.#connections) connection.isSilent = true
  }

  /** New connections work again. Silent ones stay silent, like connections that a firewall has forgotten. */
  speak() {
    this.#isSilent = false
  }

  /**
   * Passes at most `bytes` at a time, each time after `delay` milliseconds.
   * @param {{ delay: number, bytes?: number }} slowness
   */
  slowDown({ delay, bytes = Number.POSITIVE_INFINITY }) {
    this.#slowness = { delay, bytes }
  }

  /**
   * Delays all data by so many milliseconds in each direction, as a long distance does. The bandwidth is not limited.
   * @param {number} milliseconds
   */
  addLatency(milliseconds) {
    this.#latency = milliseconds
  }

  /** Ends every fault and accepts connections again. Silent connections are cut. */
  async calm() {
    this.#triggers = []
    this.#slowness = undefined
    this.#latency = 0
    this.speak()
    for (const connection of this.#connections) if (connection.isSilent) cutOne(connection)
    if (!this.listener.listening) await this.listen()
  }

  /** The number of open connections. */
  get connections() {
    return this.#connections.size
  }

  /** Cuts the connection when the client sends this text, which the server does not receive. @param {string} text */
  cutBefore(text) {
    return this.#onText(text, (connection) => cutOne(connection))
  }

  /** Cuts the connection when the server has answered a request with this text; the client does not receive the answer. @param {string} text */
  cutAfter(text) {
    return this.cutWithin(text, 0)
  }

  /**
   * Passes only the first bytes of the answer to a request with this text, and cuts the connection.
   * @param {string} text
   * @param {number} bytes
   */
  cutWithin(text, bytes) {
    return this.#onText(text, (connection, chunk) => {
      connection.server.removeAllListeners('data')
      connection.server.once('data', (answer) => {
        connection.client.write(this.#announced(answer).subarray(0, bytes), () => cutOne(connection))
      })
      connection.server.write(chunk)
    })
  }

  /**
   * Passes the client's data before this text, and holds the text and all later data.
   * @param {string} text
   * @returns {Promise<() => void>} resolves when the text is held, with a function that releases it
   */
  holdAt(text) {
    return this.#onText(text, (connection, chunk, at) => {
      connection.server.write(chunk.subarray(0, at))
      connection.client.pause()
      return () => {
        connection.server.write(chunk.subarray(at))
        connection.client.resume()
      }
    })
  }

  /**
   * Holds all data that the server sends.
   * @returns {() => void} releases it
   */
  holdAnswers() {
    const held = [...this.#connections]
    for (const { server } of held) server.pause()
    return () => {
      for (const { server } of held) server.resume()
    }
  }

  async close() {
    if (this.listener.listening) await this.refuse()
  }

  /**
   * @template Result
   * @param {string} text
   * @param {(connection: Connection, chunk: Buffer, at: number) => Result} run runs once, in place of passing the chunk
   * @returns {Promise<Result>} resolves when the client has sent the text
   */
  #onText(text, run) {
    return new Promise((resolve) => {
      const trigger = {
        text,
        /** @param {Connection} connection @param {Buffer} chunk @param {number} at */
        run: (connection, chunk, at) => {
          this.#triggers.splice(this.#triggers.indexOf(trigger), 1)
          resolve(run(connection, chunk, at))
        },
      }
      this.#triggers.push(trigger)
    })
  }

  /** The server's data with the proxy's port in place of the server's. @param {Buffer} chunk */
  #announced(chunk) {
    if (!this.isAnnounced || !chunk.includes(`:${this.target}`)) return chunk
    return Buffer.from(chunk.toString('latin1').replace(new RegExp(`:${this.target}(?=\\D)`, 'g'), `:${this.port}`), 'latin1')
  }

  /** @param {Buffer} chunk @param {import('node:net').Socket} socket */
  #pass(chunk, socket) {
    const before = this.#delayed.get(socket)
    if (this.#slowness === undefined && this.#latency === 0 && before === undefined) {
      socket.write(chunk)
      return
    }
    const passing = this.#passSlowly(chunk, socket, before).then(() => {
      if (this.#delayed.get(socket) === passing) this.#delayed.delete(socket)
    })
    this.#delayed.set(socket, passing)
  }

  /** @param {Buffer} chunk @param {import('node:net').Socket} socket @param {Promise<void> | undefined} before */
  async #passSlowly(chunk, socket, before) {
    await Promise.all([before, this.#latency > 0 && sleep(this.#latency)])
    for (let rest = chunk; rest.length > 0 && !socket.destroyed; ) {
      const { delay, bytes } = this.#slowness ?? { delay: 0, bytes: rest.length }
      if (delay > 0) await sleep(delay)
      socket.write(rest.subarray(0, bytes))
      rest = rest.subarray(bytes)
    }
  }

  /** @param {import('node:net').Socket} client */
  #accept(client) {
    const connection = { client, server: connect(this.target, '127.0.0.1'), isSilent: this.#isSilent }
    this.#connections.add(connection)
    client.on('data', (chunk) => {
      if (connection.isSilent) return
      const trigger = this.#triggers.find(({ text }) => chunk.includes(text))
      if (trigger === undefined) this.#pass(chunk, connection.server)
      else trigger.run(connection, chunk, chunk.indexOf(trigger.text))
    })
    connection.server.on('data', (chunk) => {
      if (!connection.isSilent) this.#pass(this.#announced(chunk), client)
    })
    for (const [socket, other] of /** @type {const} */ ([
      [client, connection.server],
      [connection.server, client],
    ])) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', async () => {
        // Data that was sent before the end arrives first.
        if (this.#delayed.has(other)) await this.#delayed.get(other)
        if (socket === client || !connection.isSilent) cutOne(connection)
        if (client.destroyed) this.#connections.delete(connection)
      })
    }
  }
}

/** @type {(...what: ConstructorParameters<typeof FaultyProxy>) => Promise<FaultyProxy>} */
export function startProxy(...what) {
  return new FaultyProxy(...what).listen()
}

/** @param {Connection} connection */
function cutOne({ client, server }) {
  client.destroy()
  server.destroy()
}
