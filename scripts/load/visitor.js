// Somebody with a browser and a connection of its own, who logs in and then asks again and again.
import { Agent, request } from 'node:http'

/** How long an answer may take, in milliseconds. */
const LONGEST = 30_000

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
    await this.ask('POST', '/login', `name=${encodeURIComponent(this.name)}`)
    if (this.cookie === '') throw new Error('the login set no cookie')
  }

  /** Looks at the session three times, then changes it, until the time is over; waits for every answer. @param {number} end */
  async visitUntil(end) {
    for (let turn = 1; Date.now() < end; turn++) {
      const body = await this.ask('GET', '/session')
      if (JSON.parse(body).name !== this.name) throw new Error(`the session of ${this.name} is ${body}`)
      if (turn % 3 === 0) await this.ask('POST', '/values', `key=n&value=${turn}`)
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} [form]
   * @returns {Promise<string>}
   */
  ask(method, path, form) {
    const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    const headers = { ...type, ...(this.cookie === '' ? {} : { cookie: this.cookie }) }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.origin}${path}`, { method, headers, agent: this.agent, timeout: LONGEST }, (response) => {
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
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} had no answer in ${LONGEST} ms`)))
      outgoing.on('error', reject)
      outgoing.end(form)
    })
  }

  leave() {
    this.agent.destroy()
  }
}
