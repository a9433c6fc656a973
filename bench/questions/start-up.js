// How long until a process answers, how much memory does it take, and what does npm install for it?
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scratchFolder } from '../../testing/program.js'
import { installed } from '../measuring/installed.js'
import { median } from '../measuring/statistics.js'
import { programs } from '../stores/start-up.js'

const RUNS = 9
/** How long a process may take, in milliseconds. */
const TIMEOUT = 30_000

/**
 * `load` and `answer` in ms: until the package is loaded, and until the store has answered; `memory` of the process in MB; `packages` and
 * `megabytes`: what npm installs.
 * @typedef {{ load: number, answer: number, memory: number }} Start
 * @typedef {{ name: string, ours: boolean, packages: number, megabytes: number } & Start} Row
 */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  const asked = programs[backend] ?? []
  /** @type {Map<string, Start[]>} */
  const starts = new Map(asked.map(({ name }) => [name, []]))
  /** @type {Set<string>} */
  const missing = new Set()
  // The first run reads the files into the cache of the system, and is not counted.
  for (let run = -1; run < (quick ? 2 : RUNS); run += 1) {
    for (const { name } of run % 2 === 0 ? asked : asked.toReversed()) {
      if (!starts.has(name)) continue
      try {
        const start = await started(backend, name, url)
        if (run >= 0) starts.get(name)?.push(start)
      } catch (error) {
        starts.delete(name)
        missing.add(`${name}: ${/** @type {any} */ (error).stderr || error}`)
      }
    }
  }
  say(`${starts.size} packages`)
  const rows = asked.flatMap(({ name, ours = false, packages }) => {
    const runs = starts.get(name) ?? []
    if (runs.length === 0) return []
    const of = (/** @type {keyof Start} */ what) => median(runs.map((start) => start[what]))
    return [{ name, ours, load: of('load'), answer: of('answer'), memory: of('memory'), ...installed(packages) }]
  })
  return { rows, missing }
}

/** Starts a process that loads the package and asks the store for a session. @param {string} backend @param {string} name @param {string} url @returns {Promise<Start>} */
async function started(backend, name, url) {
  const folder = await scratchFolder()
  try {
    const args = [join(import.meta.dirname, '../measuring/start-up-process.js'), backend, name, url, folder.path]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT, killSignal: 'SIGKILL' })
    return JSON.parse(stdout)
  } finally {
    await folder.remove()
  }
}
