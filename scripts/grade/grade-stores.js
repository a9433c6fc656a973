// Grades all stores, on the available servers.
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scratchFolder } from '../../testing/program.js'
import { root } from '../command.js'
import { gradeInProcesses } from './grade-store.js'
import { count } from './markdown.js'
import { Servers } from './servers.js'
import { stores } from './stores.js'

const module = join(import.meta.dirname, 'stores.js')
/** How many stores are graded at the same time: most of the time each waits for an expiry. */
const AT_ONCE = 3

/**
 * @param {{ parts: readonly string[], checks: readonly string[], say: (line: string) => void }} what `parts`: of the names of
 *   the stores to grade; empty: all
 * @returns {Promise<import('./markdown.js').Column[]>}
 */
export async function gradeStores({ parts, checks, say }) {
  const wanted = (/** @type {{ name: string }} */ { name }) => parts.length === 0 || parts.some((part) => name.includes(part))
  const servers = new Servers()
  const chosen = stores.filter(wanted)
  /** @type {import('./markdown.js').Column[]} */
  const columns = []
  const waiting = chosen.entries()
  const lane = async () => {
    for (const [index, store] of waiting) {
      const column = await gradeOne(store, checks, servers)
      const { passed, failed } = count(column.results)
      say(`${store.name}: ${column.missing === undefined ? `${passed} of ${passed + failed}` : `left out, ${column.missing}`}`)
      columns[index] = column
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
  } finally {
    await servers.stop()
  }
  return columns
}

/**
 * @param {import('./stores.js').GradedStore} store
 * @param {readonly string[]} checks
 * @param {Servers} servers
 * @returns {Promise<import('./markdown.js').Column>}
 */
async function gradeOne(store, checks, servers) {
  const { name, ours: isOurs = false, settings = '', note = '', packages } = store
  const column = {
    name,
    ours: isOurs,
    settings,
    note,
    versions: packages.map((each) => version(each, isOurs)).join(', '),
    server: '',
  }
  const folder = await scratchFolder()
  try {
    const running = store.server === undefined ? undefined : await servers.get(store.server)
    const location = { folder: folder.path, url: running?.url ?? '' }
    const results = await gradeInProcesses({ module, name, location }, checks)
    const clean = results.map((result) => ({ ...result, reason: withoutPaths(result.reason) }))
    return { ...column, server: running?.version ?? '', results: clean }
  } catch (error) {
    return { ...column, missing: withoutPaths(error instanceof Error ? error.message : String(error)), results: [] }
  } finally {
    await folder.remove()
  }
}

/** The name and the installed version of a package. @param {string} name @param {boolean} isOurs */
function version(name, isOurs) {
  const folders = isOurs ? ['node_modules'] : ['bench/node_modules', 'node_modules']
  const manifest = folders.map((folder) => join(root, folder, name, 'package.json')).find((path) => existsSync(path))
  if (manifest === undefined) return name
  const found = JSON.parse(readFileSync(manifest, 'utf8'))
  return `${found.name} ${found.version}`
}

/** Removes paths and random names, which differ from run to run. @param {string} text */
function withoutPaths(text) {
  return text
    .replaceAll(root, '')
    .replaceAll(new RegExp(`${tmpdir()}/connect-databank-\\w+`, 'g'), '…')
    .replaceAll(/…\/[0-9a-f-]{36}/g, '…')
    .replaceAll(/sessions_[0-9a-f_]{36}/g, 'sessions')
}
