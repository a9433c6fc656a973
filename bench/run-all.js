// Every question of every backend, and in what circumstances they were answered.

import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { server } from '../testing/servers/index.js'
import { provideAll } from '../testing/test-servers.js'
import { rounded } from './reporting/results-store.js'
import { start } from './servers/index.js'
import { backendNames, backendOf } from './stores/index.js'

/** What the servers are called in testing/servers. @type {Record<string, string>} */
const serverOf = { redis: 'redis', mongodb: 'mongodb', couchbase: 'couchbase' }

export const questionNames = ['operations', 'arrivals', 'requests', 'memory', 'administration']

/** @typedef {import('./reporting/results-store.js').Part} Part */

/**
 * @param {{ quick: boolean, only: string[] | undefined, questions: string[] | undefined, say: (text: string) => void }} wishes
 * @param {(part: Part) => Promise<void>} take is given each part when it is measured
 * @returns {Promise<string[]>} what could not be asked at all, and why
 */
export async function runAll({ quick, only, questions, say }, take) {
  const begin = Date.now()
  /** @type {string[]} */
  const omitted = []
  const names = backendNames.filter((backend) => only?.includes(backend) ?? true)
  if (names.some((name) => name in serverOf && server(serverOf[name] ?? '').missing !== undefined)) await provideAll()
  for (const name of names) {
    const backend = await backendOf(name)
    const running = await started(backend, omitted)
    if (running === undefined) continue
    for (const question of questionNames.filter((each) => questions?.includes(each) ?? true)) {
      const { ask, backends = backendNames, quickBackends } = await import(`./questions/${question}.js`)
      if (!((quick && quickBackends) || backends).includes(name)) continue
      const tell = (/** @type {string} */ text) => say(`${minutesSince(begin).toFixed(1)} min  ${name}: ${question}: ${text}`)
      const partBegin = Date.now()
      const around = { ...circumstances(), backend: name, question, quick, server: running.version }
      const { missing, ...answer } = await ask(name, { ...running, quick, say: tell })
      await take(rounded({ ...around, minutes: minutesSince(partBegin), missing: [...missing], answer }))
    }
    await running.stop()
  }
  return omitted
}

const minutesSince = (/** @type {number} */ begin) => (Date.now() - begin) / 60_000

/**
 * @param {import('./stores/index.js').Backend} backend
 * @param {string[]} omitted is told why it could not be started
 * @returns {Promise<import('./servers/index.js').Running | undefined>}
 */
async function started({ server: name, title }, omitted) {
  if (name === undefined) return { url: '', version: '', stop: async () => {} }
  try {
    return await start[name]?.()
  } catch (error) {
    omitted.push(`${title}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function circumstances() {
  const [cpu] = cpus()
  const packages = ['express', 'express-session', 'connect-redis', 'redis', 'redis-5', 'connect-mongo', 'mongodb', 'memorystore']
  const others = ['session-file-store', 'connect-databank-1', 'databank-redis', 'couchbase']
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
    versions: Object.fromEntries([...packages, ...others].map((name) => [name, versionOf(name)])),
  }
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'node_modules', name, 'package.json'), 'utf8')).version
}
