// Asks every question of every backend.
import { server } from '../testing/servers/index.js'
import { provideAll } from '../testing/test-servers.js'
import { circumstances, commit } from './circumstances.js'
import { rounded } from './reporting/results-store.js'
import { start } from './servers/index.js'
import { backendNames, backendOf, titles } from './stores/index.js'

export const questionNames = ['operations', 'distance', 'young', 'start-up', 'requests', 'memory', 'administration']

/**
 * @typedef {import('./reporting/results-store.js').Part} Part
 * @typedef {{ quick: boolean, only: string[] | undefined, questions: string[] | undefined, say: (text: string) => void }} Wishes
 */

/**
 * @param {Wishes} wishes
 * @param {(backend: string, question: string) => boolean} isDone is left out
 * @param {(part: Part) => Promise<void>} keep gets each part when it is measured
 * @returns {Promise<string[]>} what could not be asked at all, and why
 */
export async function runAll({ quick, only, questions, say }, isDone, keep) {
  const begin = Date.now()
  // Of what was built: a commit may be made meanwhile.
  const measuredCommit = commit()
  /** @type {string[]} */
  const omitted = []
  for (const name of backendNames.filter((backend) => only?.includes(backend) ?? true)) {
    for (const question of questionNames.filter((each) => questions?.includes(each) ?? true)) {
      const { ask, backends = backendNames, quickBackends = backends } = await import(`./questions/${question}.js`)
      if (!(quick ? quickBackends : backends).includes(name) || isDone(name, question)) continue
      const around = { ...circumstances(), commit: measuredCommit, backend: name, question, quick }
      const partBegin = Date.now()
      // A new one for each question: no store finds what another one has left.
      const running = await started(name, omitted)
      if (running === undefined) break
      const report = (/** @type {string} */ text) => say(`${minutesSince(begin).toFixed(1)} min  ${name}: ${question}: ${text}`)
      const { missing, ...answer } = await ask(name, { ...running, quick, say: report })
      await running.stop()
      const { server } = running
      await keep(
        rounded({ ...around, ...(server && { server }), minutes: minutesSince(partBegin), missing: [...missing], answer }),
      )
    }
  }
  return omitted
}

const minutesSince = (/** @type {number} */ begin) => (Date.now() - begin) / 60_000

/** @typedef {Omit<import('./servers/index.js').Running, 'server'> & { server?: import('./servers/index.js').Server }} Running */

/**
 * @param {string} backend
 * @param {string[]} omitted gets the reason if it cannot be started
 * @returns {Promise<Running | undefined>}
 */
async function started(backend, omitted) {
  const { server: name } = await backendOf(backend)
  if (name === undefined) return { url: '', stop: async () => {} }
  try {
    if (server(name).missing !== undefined) await provideAll()
    return await start[name]?.()
  } catch (error) {
    omitted.push(`${titles[backend]}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}
