// What does work on all sessions take, and how long does the event loop stand still meanwhile?
import { startAll, workersOf } from '../measuring/workers.js'
import { isStore } from '../stores/memory-baseline.js'

export const title = 'Work on all sessions'
export const note =
  'Milliseconds, and in brackets the longest time that the event loop of the process was blocked. Half of the sessions have expired when ' +
  '`purge` runs. `all` keeps every session in one list, `entries` yields one after the other. What changes nothing is run three times, and ' +
  'this is the median. Sessions of 200 B; one store after the other, each in a new process, alone in the database.'

export const backends = ['memory', 'files', 'redis']

/** @typedef {{ name: string, ours: boolean, count: number, foreign: number, done: import('../measuring/administration.js').Administration }} Row */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void, foreign?: (count: number) => Promise<void>, empty?: () => Promise<void> }} setting
 */
export async function ask(backend, { url, quick, say, foreign, empty }) {
  /** @type {Row[]} */
  const rows = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const count of counts(backend, quick)) {
    for (const beside of foreignBeside(count, quick, foreign !== undefined)) {
      for (const worker of await workersOf(backend, 'administration', isStore)) {
        if (isTooMuch(worker.name, count)) continue
        await empty?.()
        if (beside > 0) await foreign?.(beside)
        const { started, missing: reasons } = await startAll([worker], url)
        for (const reason of reasons) missing.add(reason)
        try {
          for (const one of started)
            rows.push({ name: one.name, ours: one.ours, count, foreign: beside, done: await one.do('administer', count, 200) })
        } catch (error) {
          missing.add(error instanceof Error ? error.message : String(error))
        }
        await worker.stop()
        say(`${worker.name}, ${count} sessions, ${beside} foreign`)
      }
    }
  }
  await empty?.()
  return { rows, missing: missing }
}

/** How many foreign keys stand beside them: in one case a million (a quick run: a fifth of it), where there can be any. @param {number} count @param {boolean} quick @param {boolean} isPossible */
function foreignBeside(count, quick, isPossible) {
  if (!isPossible || count !== (quick ? 10_000 : 100_000)) return [0]
  return quick ? [200_000] : [0, 1_000_000]
}

/** @param {string} backend @param {boolean} quick */
function counts(backend, quick) {
  if (quick) return backend === 'files' ? [1_000] : [10_000]
  if (backend === 'files') return [1_000, 10_000, 100_000]
  return [1_000, 10_000, 100_000, 1_000_000]
}

/**
 * What would take longer than all else: a file each for a great many, and a million for those that do as another one does.
 * @param {string} name
 * @param {number} count
 */
function isTooMuch(name, count) {
  return (name === 'session-file-store' && count > 10_000) || (/redis 6|databank-redis/.test(name) && count > 100_000)
}
