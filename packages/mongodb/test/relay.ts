import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** What is replaced by what, byte by byte. Both have the same length. */
export type Replacement = readonly [from: string, to: string]

/** Relays connections to the server, and replaces bytes of what passes. */
export async function relayTo(port: number, replaced: { toServer?: Replacement; toClient?: Replacement }) {
  const passed = (chunk: Buffer, replacement: Replacement | undefined): Buffer =>
    replacement === undefined ? chunk : Buffer.from(chunk.toString('latin1').replaceAll(...replacement), 'latin1')
  const relay = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.on('data', (chunk) => void upstream.write(passed(chunk, replaced.toServer)))
    upstream.on('data', (chunk) => void client.write(passed(chunk, replaced.toClient)))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port: ownPort } = relay.address() as AddressInfo
  return { url: `mongodb://127.0.0.1:${ownPort}/tests?directConnection=true`, close: () => relay.close() }
}
