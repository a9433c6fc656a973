// A TCP proxy between a client and a server of the tests, on which the network fails as told.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * @typedef {{ client: import('node:net').Socket, server: import('node:net').Socket, isSilent: boolean }} Line
 * @typedef {{ text: string, spring: (line: Line, chunk: Buffer, at: number) => void }} Trap
 */

export class FaultyProxy {
  /** @type {Set<Line>} */
  #lines = new Set()
  /** @type {Trap[]} */
  #traps = []
  #isSilent = false

  /** @param {number} target the port of the server, on 127.0.0.1 */
  constructor(target) {
    this.target = target
    this.port = 0
    this.listener = createServer((socket) => this.#accept(socket))
  }

  /** Listens, after `refuse` on the same port as before. */
  async listen() {
    this.listener.listen(this.port, '127.0.0.1')
    await once(this.listener, 'listening')
    this.port = /** @type {import('node:net').AddressInfo} */ (this.listener.address()).port
    return this
  }

  /** Cuts all connections and takes no new ones, as if the server were not there. */
  async refuse() {
    const closed = once(this.listener, 'close')
    this.listener.close()
    this.cut()
    await closed
  }

  /** Cuts all connections; new ones are taken. */
  cut() {
    for (const line of this.#lines) hangUp(line)
  }

  /** From now on nothing passes, in neither direction, and nobody is told: connections stay open. New ones are silent, too. */
  silence() {
    this.#isSilent = true
    for (const line of this.#lines) line.isSilent = true
  }

  /** New connections work again; those that were silent stay so, like those that a firewall has forgotten. */
  speak() {
    this.#isSilent = false
  }

  /** How many connections there are. */
  get connections() {
    return this.#lines.size
  }

  /** Cuts the connection when the client sends this text; the server never sees it. @param {string} text */
  cutBefore(text) {
    return this.#trap(text, (line) => hangUp(line))
  }

  /** Cuts the connection when the server has answered what holds this text; the client never sees the answer. @param {string} text */
  cutAfter(text) {
    return this.cutWithin(text, 0)
  }

  /**
   * Lets only the first bytes of the answer to what holds this text pass, and then cuts the connection.
   * @param {string} text
   * @param {number} bytes
   */
  cutWithin(text, bytes) {
    return this.#trap(text, (line, chunk) => {
      line.server.removeAllListeners('data')
      line.server.once('data', (answer) => {
        line.client.write(answer.subarray(0, bytes), () => hangUp(line))
      })
      line.server.write(chunk)
    })
  }

  /**
   * Lets pass what comes before this text, and holds it and all that follows.
   * @param {string} text
   * @returns {Promise<() => void>} settles when it is held; call what it gives to let go
   */
  holdAt(text) {
    return this.#trap(text, (line, chunk, at) => {
      line.server.write(chunk.subarray(0, at))
      line.client.pause()
      return () => {
        line.server.write(chunk.subarray(at))
        line.client.resume()
      }
    })
  }

  async close() {
    if (this.listener.listening) await this.refuse()
  }

  /**
   * @template Result
   * @param {string} text
   * @param {(line: Line, chunk: Buffer, at: number) => Result} spring
   * @returns {Promise<Result>} settles when the text came by; the trap is then gone
   */
  #trap(text, spring) {
    return new Promise((resolve) => {
      const trap = {
        text,
        /** @param {Line} line @param {Buffer} chunk @param {number} at */
        spring: (line, chunk, at) => {
          this.#traps.splice(this.#traps.indexOf(trap), 1)
          resolve(spring(line, chunk, at))
        },
      }
      this.#traps.push(trap)
    })
  }

  /** @param {import('node:net').Socket} client */
  #accept(client) {
    const line = { client, server: connect(this.target, '127.0.0.1'), isSilent: this.#isSilent }
    this.#lines.add(line)
    client.on('data', (chunk) => {
      if (line.isSilent) return
      const trap = this.#traps.find(({ text }) => chunk.includes(text))
      if (trap === undefined) line.server.write(chunk)
      else trap.spring(line, chunk, chunk.indexOf(trap.text))
    })
    line.server.on('data', (chunk) => {
      if (!line.isSilent) client.write(chunk)
    })
    for (const socket of [client, line.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        if (socket === client || !line.isSilent) hangUp(line)
        if (client.destroyed) this.#lines.delete(line)
      })
    }
  }
}

/** @param {number} target the port of the server, on 127.0.0.1 */
export function startProxy(/** @type {number} */ target) {
  return new FaultyProxy(target).listen()
}

/** @param {Line} line */
function hangUp({ client, server }) {
  client.destroy()
  server.destroy()
}
