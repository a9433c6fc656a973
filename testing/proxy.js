// A TCP proxy between a client and a server of the tests, on which the network fails as told.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

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
  /** @type {{ delay: number, bytes: number } | undefined} */
  #pace
  #latency = 0
  /** @type {Map<import('node:net').Socket, Promise<void>>} what is on its way to each, while it is delayed */
  #onTheWay = new Map()

  /**
   * @param {number} target the port of the server, on 127.0.0.1
   * @param {{ isAnnounced?: boolean }} [wishes] `isAnnounced`: the server tells its clients its port, and they would leave the
   *   proxy for it. So its port is replaced in what it says (as text: `:11210`) by the proxy's, which has as many digits.
   */
  constructor(target, { isAnnounced = false } = {}) {
    this.target = target
    this.isAnnounced = isAnnounced
    this.port = 0
    this.listener = createServer((socket) => this.#accept(socket))
  }

  /** Listens, after `refuse` on the same port as before. */
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

  /**
   * From now on only so many bytes pass at a time, and each time so many milliseconds late.
   * @param {{ delay: number, bytes?: number }} pace
   */
  slowDown({ delay, bytes = Number.POSITIVE_INFINITY }) {
    this.#pace = { delay, bytes }
  }

  /**
   * From now on all that passes arrives so many milliseconds later, in each direction, as on a long way. How much passes at a time
   * is not limited.
   * @param {number} milliseconds
   */
  addLatency(milliseconds) {
    this.#latency = milliseconds
  }

  /** Ends all that was told: traps, silence, slowness, latency; takes connections again. Lines that were silent are cut. */
  async calm() {
    this.#traps = []
    this.#pace = undefined
    this.#latency = 0
    this.speak()
    for (const line of this.#lines) if (line.isSilent) hangUp(line)
    if (!this.listener.listening) await this.listen()
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
        line.client.write(this.#announced(answer).subarray(0, bytes), () => hangUp(line))
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

  /**
   * Holds whatever the server says from now on.
   * @returns {() => void} call it to let go
   */
  holdAnswers() {
    const held = [...this.#lines]
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

  /** What the server says, our port in place of its own. @param {Buffer} chunk */
  #announced(chunk) {
    if (!this.isAnnounced || !chunk.includes(`:${this.target}`)) return chunk
    return Buffer.from(chunk.toString('latin1').replace(new RegExp(`:${this.target}(?=\\D)`, 'g'), `:${this.port}`), 'latin1')
  }

  /** @param {Buffer} chunk @param {import('node:net').Socket} socket */
  #pass(chunk, socket) {
    const before = this.#onTheWay.get(socket)
    if (this.#pace === undefined && this.#latency === 0 && before === undefined) {
      socket.write(chunk)
      return
    }
    const passing = this.#passSlowly(chunk, socket, before).then(() => {
      if (this.#onTheWay.get(socket) === passing) this.#onTheWay.delete(socket)
    })
    this.#onTheWay.set(socket, passing)
  }

  /** @param {Buffer} chunk @param {import('node:net').Socket} socket @param {Promise<void> | undefined} before */
  async #passSlowly(chunk, socket, before) {
    await Promise.all([before, this.#latency > 0 && sleep(this.#latency)])
    for (let rest = chunk; rest.length > 0 && !socket.destroyed; ) {
      const { delay, bytes } = this.#pace ?? { delay: 0, bytes: rest.length }
      if (delay > 0) await sleep(delay)
      socket.write(rest.subarray(0, bytes))
      rest = rest.subarray(bytes)
    }
  }

  /** @param {import('node:net').Socket} client */
  #accept(client) {
    const line = { client, server: connect(this.target, '127.0.0.1'), isSilent: this.#isSilent }
    this.#lines.add(line)
    client.on('data', (chunk) => {
      if (line.isSilent) return
      const trap = this.#traps.find(({ text }) => chunk.includes(text))
      if (trap === undefined) this.#pass(chunk, line.server)
      else trap.spring(line, chunk, chunk.indexOf(trap.text))
    })
    line.server.on('data', (chunk) => {
      if (!line.isSilent) this.#pass(this.#announced(chunk), client)
    })
    for (const [socket, other] of /** @type {const} */ ([
      [client, line.server],
      [line.server, client],
    ])) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', async () => {
        // What was sent before the end arrives before it.
        if (this.#onTheWay.has(other)) await this.#onTheWay.get(other)
        if (socket === client || !line.isSilent) hangUp(line)
        if (client.destroyed) this.#lines.delete(line)
      })
    }
  }
}

/** @type {(...what: ConstructorParameters<typeof FaultyProxy>) => Promise<FaultyProxy>} */
export function startProxy(...what) {
  return new FaultyProxy(...what).listen()
}

/** @param {Line} line */
function hangUp({ client, server }) {
  client.destroy()
  server.destroy()
}
