// A query service, as far as a listing needs one: the server's HTTP, and an index of the keys.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the SDK sends. */
export interface Query {
  readonly statement: string
  readonly args: readonly [from: string, to: string, after: string, ...owned: unknown[]]
  readonly scan_consistency?: string
  readonly readonly?: boolean
}

/** The server's error. */
export interface Refusal {
  readonly httpStatus: number
  readonly code: number
  readonly msg: string
}

export class QueryService {
  readonly queries: Query[] = []
  version = '7.6.2-3721-enterprise'
  /** The keys that its index holds. */
  keys: readonly string[] = []
  refusal: Refusal | undefined
  readonly #server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const query: Query = JSON.parse(Buffer.concat(chunks).toString())
    this.queries.push(query)
    const { httpStatus = 200, ...error } = this.refusal ?? {}
    const isRefused = this.refusal !== undefined
    const answer = isRefused ? { errors: [error], status: 'fatal' } : { results: this.#resultsOf(query), status: 'success' }
    const text = JSON.stringify({ requestID: '6e1c3d8e-0000-4000-8000-000000000000', ...answer, metrics: metrics(answer) })
    response.writeHead(httpStatus, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    response.end(text)
  })

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #resultsOf(query: Query): string[] {
    return query.statement === 'SELECT RAW DS_VERSION()' ? [this.version] : this.#page(query)
  }

  /** What the statement of a listing means. A condition on the owner holds for all keys. */
  #page({ statement, args: [from, to, after] }: Query): string[] {
    const limit = Number(/ LIMIT (\d+)$/.exec(statement)?.[1])
    // By bytes, as the server orders text.
    const isBefore = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0
    return this.keys
      .filter((key) => !isBefore(key, from) && isBefore(key, to) && isBefore(after, key))
      .toSorted((one, other) => (isBefore(one, other) ? -1 : 1))
      .slice(0, limit)
  }
}

function metrics({ results = [] }: { results?: string[] }) {
  return { elapsedTime: '1ms', executionTime: '1ms', resultCount: results.length, resultSize: 0, serviceLoad: 1 }
}
