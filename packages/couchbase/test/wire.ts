// Stands between the SDK and the server: writes down the requests, and loses or changes requests and answers.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The operations of the data service's protocol that the tests name. */
export const operation = {
  get: 0x00,
  upsert: 0x01,
  insert: 0x02,
  replace: 0x03,
  remove: 0x04,
  authenticate: 0x21,
  mutateIn: 0xd1,
  lookupIn: 0xd0,
} as const
export type Operation = keyof typeof operation

const names = new Map<number, Operation>(Object.entries(operation).map(([name, code]) => [code, name as Operation]))
const headerSize = 24
const isRequest = (first: number) => first === 0x80 || first === withFrames

/** What a request begins with that has frames, of which durability is one. */
const withFrames = 0x08
const durabilityFrame = 1

/** How many nodes must have a write, as the protocol numbers it, and the same request without; CouchbaseMock knows no durability. */
export function withoutDurability(packet: Buffer): { level: number | undefined; plain: Buffer } {
  if (packet[0] !== withFrames) return { level: undefined, plain: packet }
  const framesSize = packet[2] as number
  const [frame = 0, level] = packet.subarray(headerSize)
  const header = Buffer.from(packet.subarray(0, headerSize))
  header[0] = 0x80
  header[2] = 0
  header.writeUInt32BE(packet.readUInt32BE(8) - framesSize, 8)
  const plain = Buffer.concat([header, packet.subarray(headerSize + framesSize)])
  return { level: frame >> 4 === durabilityFrame ? level : undefined, plain }
}

/** Returns the packet that passes, perhaps changed; null loses it. */
type Pass = (packet: Buffer) => Buffer | null

export class Wire {
  /** The requests of the SDK, in order. */
  readonly sent: Operation[] = []
  /** Look at each request, or answer, of an operation before it passes. */
  readonly onRequest = new Map<Operation, Pass>()
  readonly onAnswer = new Map<Operation, Pass>()
  /** Where the SDK is to look for the query service. */
  queryPort: number | undefined
  readonly #target: number
  readonly #listener: Server
  readonly #sockets = new Set<Socket>()
  #port = 0
  #lastServer: Socket | undefined

  /** @param target the port of the data service */
  constructor(target: number) {
    this.#target = target
    this.#listener = createServer((socket) => this.#accept(socket))
  }

  async listen(): Promise<this> {
    // The port is named in the server's answers, and is replaced there: it must have as many digits.
    do {
      this.#listener.listen(0, '127.0.0.1')
      await once(this.#listener, 'listening')
      this.#port = (this.#listener.address() as { port: number }).port
      if (String(this.#port).length !== String(this.#target).length) await new Promise((resolve) => this.#listener.close(resolve))
    } while (!this.#listener.listening)
    return this
  }

  get url(): string {
    return `couchbase://127.0.0.1:${this.#port}`
  }

  /** Loses the next answer to this operation. */
  loseAnswer(name: Operation, then: () => void = () => undefined): void {
    this.onAnswer.set(name, () => {
      this.onAnswer.delete(name)
      then()
      return null
    })
  }

  /** Loses the next request of this operation: the server never hears of it. */
  loseRequest(name: Operation): void {
    this.onRequest.set(name, () => {
      this.onRequest.delete(name)
      return null
    })
  }

  /** Sends a request that was held back, on the connection that has sent most lately. */
  sendToServer(packet: Buffer): void {
    this.#lastServer?.write(packet)
  }

  /** The requests that are sent during the work. */
  async during(work: () => Promise<unknown>): Promise<Operation[]> {
    this.sent.length = 0
    await work()
    return [...this.sent]
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#listener.close(resolve))
  }

  #accept(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    inPackets(client, (packet) => this.#request(packet, server))
    inPackets(server, (packet) => this.#answer(packet, client))
  }

  #request(packet: Buffer, server: Socket): void {
    const name = names.get(packet[1] as number)
    if (name !== undefined && isRequest(packet[0] as number)) this.sent.push(name)
    const pass = name === undefined ? undefined : this.onRequest.get(name)
    const passed = pass === undefined ? packet : pass(packet)
    if (name !== undefined) this.#lastServer = server
    if (passed !== null) server.write(passed)
  }

  #answer(packet: Buffer, client: Socket): void {
    const name = names.get(packet[1] as number)
    const pass = name === undefined ? undefined : this.onAnswer.get(name)
    const passed = pass === undefined ? packet : pass(packet)
    if (passed === null) return
    const answer = replaced(passed, String(this.#target), String(this.#port))
    if (this.queryPort !== undefined) pointQueries(answer, this.queryPort)
    client.write(answer)
  }
}

function inPackets(socket: Socket, onPacket: (packet: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= headerSize) {
      const size = headerSize + rest.readUInt32BE(8)
      if (rest.length < size) return
      onPacket(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
  })
}

/** The same text in other digits, as long as before. */
function replaced(packet: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(packet)
  for (let at = copy.indexOf(from, headerSize); at >= 0; at = copy.indexOf(from, at + to.length)) copy.write(to, at)
  return copy
}

/** The server's description of the cluster names a port for queries; as many characters as before. */
function pointQueries(packet: Buffer, port: number): void {
  const found = /"n1ql":(\d+)/.exec(packet.toString('latin1'))
  if (found !== null) packet.write(`"n1ql":${String(port).padStart((found[1] as string).length)}`, found.index, 'latin1')
}
