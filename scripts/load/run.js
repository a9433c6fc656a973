// The load tests: what they do to the demo and to a store, and what they saw.
import { join } from 'node:path'
import { Child } from './process.js'
import { Visitor } from './visitor.js'

/** @param {string} name */
const program = (name) => join(import.meta.dirname, name)

/**
 * Loads the demo at full speed: every visitor is logged in, has a connection of its own, and asks anew as soon as it is answered.
 * @param {{ seconds: number, connections: number, url?: string }} wish
 */
export async function loadDemo({ seconds, connections, url = 'memory:' }) {
  const child = new Child(program('demo.js'), { SESSION_URL: url })
  /** @type {Visitor[]} */
  let visitors = []
  try {
    const { address } = await child.ask()
    const origin = `http://127.0.0.1:${address.port}`
    visitors = Array.from({ length: connections }, (_, index) => new Visitor(origin, `visitor ${index}`))
    // Node takes one new connection in each turn of its loop: those that come when all others ask at full speed would wait long.
    for (let first = 0; first < connections; first += 20) {
      await Promise.all(visitors.slice(first, first + 20).map((visitor) => visitor.logIn()))
    }
    const wrong = await visitAll(visitors, seconds / 3)
    const before = await child.ask('measure')
    wrong.push(...(await visitAll(visitors, seconds)))
    const after = await child.ask('measure')
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
 * By how many bytes a million operations of a store let its heap grow.
 * @param {number} [operations]
 * @returns {Promise<{ operations: number, grown: number }>}
 */
export async function growth(operations = 1_000_000) {
  const child = new Child(program('operations.js'), { OPERATIONS: String(operations) })
  const [report] = await Promise.all([child.ask(), child.ended])
  return report
}
