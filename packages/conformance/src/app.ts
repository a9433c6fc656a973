import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import session from 'express-session'
import { toError } from './capture.ts'
import { deferred } from './gate.ts'
import type { AnyStore } from './store/any-store.ts'

/** The options of express-session that checks set. */
export type SessionSettings = Omit<session.SessionOptions, 'secret' | 'store'>

/** A request as a handler gets it from express-session. */
export interface SessionRequest extends IncomingMessage {
  readonly sessionID: string
  session: session.Session & Record<string, unknown>
}

/** The code of a check in one request. The response is sent when it has ended. */
export type Handler<Value> = (req: SessionRequest, res: ServerResponse) => Value | Promise<Value>

interface Visit {
  readonly handler: Handler<unknown>
  readonly errors: Error[]
  started: boolean
  value?: unknown
}

const SECRET = 'a secret of thirty-two characters, at least'

/**
 * An application with express-session, on a port of its own. It needs no Express: as in express-session's own tests, the middleware
 * runs on a server of Node.js.
 */
export class App {
  readonly #visits = new Map<string, Visit>()
  readonly #server: Server

  private constructor(store: AnyStore, settings: SessionSettings) {
    const options = { resave: false, saveUninitialized: false, cookie: { maxAge: 3_600_000 }, ...settings }
    const middleware = session({ ...options, secret: SECRET, store: store as unknown as session.Store })
    this.#server = createServer((req, res) => {
      const visit = this.#visits.get(String(req.headers['x-visit']))
      if (visit === undefined) res.writeHead(404).end()
      else middleware(req as never, res as never, (error?: unknown) => proceed(visit, error, req as SessionRequest, res))
    })
  }

  /** Starts an application on this store. */
  static async listen(store: AnyStore, settings: SessionSettings = {}): Promise<App> {
    const app = new App(store, settings)
    await new Promise<void>((resolve, reject) => app.#server.once('error', reject).listen(0, '127.0.0.1', resolve))
    return app
  }

  /** A visitor with a browser. `cookie`: an existing cookie, of this application or of another. */
  visitor(cookie?: string): Visitor {
    return new Visitor(this.#server.address() as AddressInfo, this.#visits, cookie)
  }

  /** Stops, and closes all connections. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Called by express-session when the session is loaded or missing, or after an error. */
function proceed(visit: Visit, error: unknown, req: SessionRequest, res: ServerResponse): void {
  if (error !== undefined && error !== null) {
    visit.errors.push(toError(error))
    if (!res.headersSent) res.writeHead(500).end()
    return
  }
  if (visit.started) {
    visit.errors.push(new Error('the request continued twice: the store called back twice'))
    return
  }
  visit.started = true
  respond(visit, req, res).catch((failure) => {
    visit.errors.push(toError(failure))
    res.destroy()
  })
}

async function respond(visit: Visit, req: SessionRequest, res: ServerResponse): Promise<void> {
  visit.value = await visit.handler(req, res)
  if (!res.writableEnded) res.end('done')
}

let visits = 0

/** A browser: it keeps the session's cookie from one request to the next. */
export class Visitor {
  readonly #address: AddressInfo
  readonly #visits: Map<string, Visit>
  /** The session's cookie, as the last response set it. */
  cookie: string | undefined

  constructor(address: AddressInfo, registry: Map<string, Visit>, cookie: string | undefined) {
    this.#address = address
    this.#visits = registry
    this.cookie = cookie
  }

  /** Sends a request that runs the handler. Resolves with the handler's result when the response has ended; rejects after any error. */
  request<Value>(handler: Handler<Value>): Promise<Value> {
    return this.send(handler).ended
  }

  /** The same. `headed` resolves with the head of the response, which express-session may send before the session is saved. */
  send<Value>(handler: Handler<Value>): { headed: Promise<void>; ended: Promise<Value> } {
    const id = String(++visits)
    const visit: Visit = { handler, errors: [], started: false }
    this.#visits.set(id, visit)
    const [headed, ended] = [deferred(), deferred<Value>()]
    // A check that fails early does not await all of its requests.
    for (const { promise } of [headed, ended]) promise.catch(() => {})
    const fail = (error: Error): void => {
      headed.reject(visit.errors[0] ?? error)
      ended.reject(visit.errors[0] ?? error)
    }
    const finish = (status?: number): void => {
      if (visit.errors[0] !== undefined) ended.reject(visit.errors[0])
      else if (status === 500) ended.reject(new Error('the response was a 500'))
      else ended.resolve(visit.value as Value)
    }
    const headers = { 'x-visit': id, ...(this.cookie === undefined ? {} : { cookie: this.cookie }) }
    const { address: host, port } = this.#address
    const outgoing = request({ host, port, headers, agent: false }, (response) => {
      for (const cookie of response.headers['set-cookie'] ?? []) this.cookie = cookie.split(';', 1)[0]!
      headed.resolve()
      response.on('error', fail).resume()
      response.on('end', () => {
        this.#visits.delete(id)
        // express-session reports a failed save one turn of the event loop after the response.
        setImmediate(() => setImmediate(finish, response.statusCode))
      })
    })
    outgoing.on('error', fail).end()
    return { headed: headed.promise, ended: ended.promise }
  }
}
