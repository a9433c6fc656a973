// The load tests: what they do to the demo and to a store, and what they saw.
import { join } from 'node:path'
// @ts-expect-error it comes without types
import autocannon from 'autocannon'
import { Child } from './child.js'

/** @param {string} name */
const program = (name) => join(import.meta.dirname, name)

/**
 * Loads the demo at full speed: every connection is a visitor who is logged in, looks at its session and changes it.
 * @param {{ seconds: number, connections: number, url?: string }} wish
 */
export async function loadDemo({ seconds, connections, url = 'memory:' }) {
  const child = new Child(program('demo.js'), { SESSION_URL: url })
  try {
    const { address } = await child.ask()
    const origin = `http://127.0.0.1:${address.port}`
    const cookies = await logIn(origin, connections)
    const warm = await fire(origin, cookies, Math.max(2, seconds / 3))
    const before = await child.ask('measure')
    const measured = await fire(origin, cookies, seconds)
    const after = await child.ask('measure')
    const exitCode = await child.endsAfter('close', 10_000)
    return { before, after, exitCode, answers: warm.answers + measured.answers, wrong: [...warm.wrong, ...measured.wrong] }
  } finally {
    child.kill()
  }
}

/** @param {string} origin @param {number} count */
async function logIn(origin, count) {
  const cookies = []
  for (let first = 0; first < count; first += 50) {
    const some = Array.from({ length: Math.min(50, count - first) }, async (_, index) => {
      const body = new URLSearchParams({ name: `visitor ${first + index}` })
      const response = await fetch(`${origin}/login`, { method: 'POST', body, redirect: 'manual' })
      await response.arrayBuffer()
      return String(response.headers.getSetCookie()[0]?.split(';')[0])
    })
    cookies.push(...(await Promise.all(some)))
  }
  return cookies
}

/**
 * @param {string} origin
 * @param {readonly string[]} cookies one a connection
 * @param {number} duration seconds
 */
async function fire(origin, cookies, duration) {
  let next = 0
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const result = await autocannon({
    url: origin,
    connections: cookies.length,
    duration,
    timeout: 30,
    setupClient: (/** @type {{ setRequests(requests: object[]): void }} */ client) => {
      const cookie = String(cookies[next++ % cookies.length])
      client.setRequests([
        { method: 'GET', path: '/session', headers: { cookie } },
        { method: 'GET', path: '/session', headers: { cookie } },
        { method: 'GET', path: '/session', headers: { cookie } },
        { method: 'POST', path: '/values', headers: { cookie, ...form }, body: `key=n&value=${next}` },
      ])
    },
  })
  const statuses = /** @type {Record<string, { count: number }>} */ (
    /** @type {{ statusCodeStats?: unknown }} */ (result).statusCodeStats ?? {}
  )
  const unwanted = Object.entries(statuses).filter(([status]) => status !== '200' && status !== '303')
  const wrong = unwanted.map(([status, { count }]) => `${count} answers were ${status}`)
  if (result.errors > 0) wrong.push(`${result.errors} requests failed, ${result.timeouts} of them for want of an answer`)
  return { answers: result.requests.total, wrong }
}

/**
 * By how many bytes a million operations of a store let its heap grow.
 * @param {number} [operations]
 * @returns {Promise<{ operations: number, grown: number }>}
 */
export async function growth(operations = 1_000_000) {
  const child = new Child(program('operations.js'), { OPERATIONS: String(operations) })
  const [report] = await Promise.all([child.ask(), child.ended])
  return report
}
