// Grades one store, check by check, in processes that may end at any time.
import { fork } from 'node:child_process'
import { join } from 'node:path'

/**
 * @typedef {object} Result
 * @property {string} name of the check
 * @property {'passed' | 'failed' | 'skipped'} outcome
 * @property {string} said why it failed, or was skipped
 *
 * @typedef {object} Subject
 * @property {string} module the file that exports `stores`
 * @property {string} name
 * @property {import('./stores.js').Place} place
 *
 * @typedef {object} Patience all in milliseconds
 * @property {number} limit how long opening, one check and closing may take, each
 * @property {number} silence how long a process may say nothing before it is ended
 */

/** @type {Patience} */
const PATIENCE = { limit: 30_000, silence: 120_000 }

/**
 * Runs the checks one after the other. If the process ends, the check that ran has failed, and a new process goes on with the
 * next. Rejects if the store can't be opened at all.
 * @param {Subject} subject
 * @param {readonly string[]} checks their names
 * @param {Patience} [patience]
 * @returns {Promise<Result[]>}
 */
export async function gradeInProcesses(subject, checks, patience = PATIENCE) {
  /** @type {Result[]} */
  const results = []
  while (results.length < checks.length) results.push(...(await gradeSome(subject, checks.slice(results.length), patience)))
  return results
}

/**
 * What one process makes of the checks until it ends: one result at least.
 * @param {Subject} subject
 * @param {readonly string[]} checks
 * @param {Patience} patience
 * @returns {Promise<Result[]>}
 */
function gradeSome({ module, name, place }, checks, { limit, silence }) {
  const args = [module, name, JSON.stringify(place)]
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
        results.push({ name: message.graded, outcome: message.outcome, said: message.said })
      }
    })
    child.once('error', reject).once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', end)
      const how = isSilent ? `nothing came from the process for ${silence} ms` : `the process ended with ${signal ?? code}`
      if (!isReady) return reject(new Error(`${name} can't be opened, ${how}: ${firstError(output)}`))
      const next = running ?? checks[results.length]
      if (next !== undefined) results.push({ name: next, outcome: 'failed', said: `${how} ${firstError(output)}`.trim() })
      resolve(results)
    })
  })
}

/** The line of an output that says what went wrong. @param {string} output */
function firstError(output) {
  return /^.*\bError\b.*$/m.exec(output)?.[0]?.trim() ?? ''
}
