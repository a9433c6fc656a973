// Grades one store, check by check, in processes that may end at any time.
import { fork } from 'node:child_process'
import { join } from 'node:path'

/**
 * @typedef {object} Result
 * @property {string} name of the check
 * @property {'passed' | 'failed' | 'skipped'} outcome
 * @property {string} reason why it failed or was skipped
 *
 * @typedef {object} Subject
 * @property {string} module the file that exports `stores`
 * @property {string} name
 * @property {import('./stores.js').Location} location
 *
 * @typedef {object} Limits in milliseconds
 * @property {number} limit how long opening, one check and closing may take, each
 * @property {number} silence how long a process may send nothing before it is killed
 */

/** @type {Limits} */
const LIMITS = { limit: 30_000, silence: 120_000 }

/**
 * Runs the checks one after the other. If the process ends, the running check has failed, and a new process continues with the next
 * one. Rejects if the store cannot be opened.
 * @param {Subject} subject
 * @param {readonly string[]} checks their names
 * @param {Limits} [limits]
 * @returns {Promise<Result[]>}
 */
export async function gradeInProcesses(subject, checks, limits = LIMITS) {
  /** @type {Result[]} */
  const results = []
  while (results.length < checks.length) results.push(...(await gradeSome(subject, checks.slice(results.length), limits)))
  return results
}

/**
 * Runs checks in one process until it ends; returns at least one result.
 * @param {Subject} subject
 * @param {readonly string[]} checks
 * @param {Limits} limits
 * @returns {Promise<Result[]>}
 */
function gradeSome({ module, name, location }, checks, { limit, silence }) {
  const args = [module, name, JSON.stringify(location)]
  const child = fork(join(import.meta.dirname, 'grade-process.js'), args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000)
    })
  }
  return new Promise((resolve, reject) => {
    /** @type {Result[]} */
    const results = []
    let [isReady, isSilent] = [false, false]
    /** @type {string | undefined} */
    let running
    const timer = setTimeout(() => {
      isSilent = true
      end()
    }, silence)
    child.on('message', (/** @type {any} */ message) => {
      timer.refresh()
      if (message.ready) {
        isReady = true
        child.send({ checks, limit })
      } else if (message.started !== undefined) {
        running = message.started
      } else {
        running = undefined
        results.push({ name: message.graded, outcome: message.outcome, reason: message.reason })
      }
    })
    child.once('error', reject).once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', end)
      const how = isSilent ? `nothing came from the process for ${silence} ms` : `the process ended with ${signal ?? code}`
      if (!isReady) return reject(new Error(`${name} cannot be opened, ${how}: ${firstError(output)}`))
      const next = running ?? checks[results.length]
      if (next !== undefined) results.push({ name: next, outcome: 'failed', reason: `${how} ${firstError(output)}`.trim() })
      resolve(results)
    })
  })
}

/** The first line of the output with an error. @param {string} output */
function firstError(output) {
  return /^.*\bError\b.*$/m.exec(output)?.[0]?.trim() ?? ''
}
