// Every question of every backend, and in what circumstances they were answered.

import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { provideAll } from '../scripts/provide.js'
import { server } from '../scripts/servers/index.js'
import { backendNames, backendOf } from './candidates.js'
import { start } from './servers.js'

/** What the servers are called in scripts/servers. @type {Record<string, string>} */
const serverOf = { redis: 'redis', mongodb: 'mongodb', couchbase: 'couchbase' }

const questionNames = ['operations', 'arrivals', 'requests', 'memory', 'administration']

/**
 * @typedef {object} Results
 * @property {boolean} quick
 * @property {string} date
 * @property {string} machine
 * @property {string} node
 * @property {number} load what the machine had to do besides, as a load average, when the run began
 * @property {Record<string, string>} versions of what was measured
 * @property {Record<string, string>} servers what ran, by backend
 * @property {string[]} omitted what could not be asked, and why
 * @property {number} minutes
 * @property {Record<string, Record<string, any>>} answers by question and backend
 */

/**
 * @param {{ quick: boolean, only: string[] | undefined, questions: string[] | undefined, say: (text: string) => void }} wishes
 * @returns {Promise<Results>}
 */
export async function askAll({ quick, only, questions, say }) {
  const begin = Date.now()
  /** @type {Results} */
  const results = { ...circumstances(), load: loadavg()[0] ?? 0, quick, servers: {}, omitted: [], minutes: 0, answers: {} }
  const names = backendNames.filter((backend) => only?.includes(backend) ?? true)
  if (names.some((name) => name in serverOf && server(serverOf[name] ?? '').missing !== undefined)) await provideAll()
  for (const name of names) {
    const backend = await backendOf(name)
    const running = await started(backend, results)
    if (running === undefined) continue
    if (running.version !== '') results.servers[name] = running.version
    for (const questionName of questionNames.filter((question) => questions?.includes(question) ?? true)) {
      const question = await import(`./questions/${questionName}.js`)
      const asked = (quick && question.quickBackends) || question.backends || backendNames
      if (!asked.includes(name)) continue
      const tell = (/** @type {string} */ text) => say(`${minutesSince(begin).toFixed(1)} min  ${name}: ${questionName}: ${text}`)
      const answer = await question.ask(name, { ...running, quick, say: tell })
      for (const reason of answer.missing) results.omitted.push(`${backend.title}, ${questionName}: ${reason}`)
      results.answers[questionName] = { ...results.answers[questionName], [name]: answer }
    }
    await running.stop()
  }
  results.minutes = minutesSince(begin)
  return results
}

const minutesSince = (/** @type {number} */ begin) => (Date.now() - begin) / 60_000

/**
 * @param {import('./candidates.js').Backend} backend
 * @param {Results} results
 * @returns {Promise<import('./servers.js').Running | undefined>}
 */
async function started({ server: name, title }, results) {
  if (name === undefined) return { url: '', version: '', stop: async () => {} }
  try {
    return await start[name]?.()
  } catch (error) {
    results.omitted.push(`${title}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function circumstances() {
  const [cpu] = cpus()
  const packages = ['express', 'express-session', 'connect-redis', 'redis', 'redis-5', 'connect-mongo', 'mongodb', 'memorystore']
  const others = ['session-file-store', 'connect-databank-1', 'databank-redis', 'lmdb', 'couchbase']
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${release()}`,
    node: process.version,
    versions: Object.fromEntries([...packages, ...others].map((name) => [name, versionOf(name)])),
  }
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'node_modules', name, 'package.json'), 'utf8')).version
}
