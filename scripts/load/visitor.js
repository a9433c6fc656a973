// A client with a connection and a session of its own.
import { Agent, request } from 'node:http'

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 30_000

export class Visitor {
  /** @param {string} origin @param {string} name */
  constructor(origin, name) {
    this.origin = origin
    this.name = name
    this.cookie = ''
    this.answers = 0
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 })
  }

  async logIn() {
    await this.send('POST', '/login', `name=${encodeURIComponent(this.name)}`)
    if (this.cookie === '') throw new Error('the login set no cookie')
  }

  /** Reads the session three times and changes it once, over and over, one request at a time. @param {number} end in epoch milliseconds */
  async visitUntil(end) {
    for (let count = 1; Date.now() < end; count++) {
      const body = await this.send('GET', '/session')
      if (JSON.parse(body).name !== this.name) throw new Error(`the session of ${this.name} is ${body}`)
      if (count % 3 === 0) await this.send('POST', '/values', `key=n&value=${count}`)
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} [form]
   * @returns {Promise<string>}
   */
  send(method, path, form) {
    const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    const headers = { ...type, ...(this.cookie === '' ? {} : { cookie: this.cookie }) }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.origin}${path}`, { method, headers, agent: this.agent, timeout: TIMEOUT }, (response) => {
        const status = Number(response.statusCode)
        this.cookie = response.headers['set-cookie']?.[0]?.split(';')[0] ?? this.cookie
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          body += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          this.answers++
          if (status === 200 || status === 303) resolve(body)
          else reject(new Error(`${method} ${path} was answered ${status}: ${body.slice(0, 200)}`))
        })
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} had no answer in ${TIMEOUT} ms`)))
      outgoing.on('error', reject)
      outgoing.end(form)
    })
  }

  leave() {
    this.agent.destroy()
  }
}
