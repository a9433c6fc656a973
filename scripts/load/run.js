// The load tests of the demo and of a store.
import { join } from 'node:path'
import { Child } from './process.js'
import { Visitor } from './visitor.js'

/** @param {string} name */
const program = (name) => join(import.meta.dirname, name)

/**
 * Loads the demo at full speed: every visitor is logged in, has a connection of its own, and sends the next request after each answer.
 * @param {{ seconds: number, connections: number, url?: string }} options
 */
export async function loadDemo({ seconds, connections, url = 'memory:' }) {
  const child = new Child(program('demo.js'), { SESSION_URL: url })
  /** @type {Visitor[]} */
  let visitors = []
  try {
    const { address } = await child.request()
    const origin = `http://127.0.0.1:${address.port}`
    visitors = Array.from({ length: connections }, (_, index) => new Visitor(origin, `visitor ${index}`))
    // Node.js accepts one connection in each iteration of its event loop, so new connections wait long under load.
    for (let first = 0; first < connections; first += 20) {
      await Promise.all(visitors.slice(first, first + 20).map((visitor) => visitor.logIn()))
    }
    const wrong = await visitAll(visitors, seconds / 3)
    const before = await child.request('measure')
    wrong.push(...(await visitAll(visitors, seconds)))
    const after = await child.request('measure')
    const exitCode = await child.endsAfter('close', 10_000)
    const answers = visitors.map((visitor) => visitor.answers)
    const total = answers.reduce((sum, each) => sum + each, 0)
    return { before, after, exitCode, answers: total, fewest: Math.min(...answers), wrong }
  } finally {
    for (const visitor of visitors) visitor.leave()
    child.kill()
  }
}

/**
 * @param {readonly Visitor[]} visitors
 * @param {number} seconds
 * @returns {Promise<string[]>} what went wrong
 */
async function visitAll(visitors, seconds) {
  const end = Date.now() + seconds * 1_000
  const outcomes = await Promise.allSettled(visitors.map((visitor) => visitor.visitUntil(end)))
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
}

/**
 * How many bytes a store's heap grows in a million operations.
 * @param {number} [operations]
 * @returns {Promise<{ operations: number, grown: number }>}
 */
export async function growth(operations = 1_000_000) {
  const child = new Child(program('operations.js'), { OPERATIONS: String(operations) })
  const [report] = await Promise.all([child.request(), child.ended])
  return report
}
