// `npm run test-servers`: finds or fetches every server that the tests use. A module in testing/servers that exports `provide` is a
// server. `provide()` rejects with the reason if the server is not available; `packageName` is the package that uses the server; `title` is its
// name in titles of tests.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { recordProvided } from './servers/index.js'

/** @typedef {import('./servers/index.js').Provided} Provided */

const folder = join(import.meta.dirname, 'servers')

/** @returns {Promise<Record<string, Provided>>} by the names of their modules */
export async function provideAll() {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js')).sort()
  const found = await Promise.all(files.map(provideOne))
  const servers = Object.fromEntries(found.flat())
  recordProvided(servers)
  return servers
}

/** @param {string} file @returns {Promise<[string, Provided][]>} empty if the module is no server */
async function provideOne(file) {
  const { provide, packageName, title, isOptional = false } = await import(pathToFileURL(join(folder, file)).href)
  if (provide === undefined) return []
  const provided = await provide().catch((/** @type {unknown} */ error) => ({ missing: messageOf(error) }))
  return [[file.slice(0, -'.js'.length), { packageName, title, isOptional, ...provided }]]
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, { missing, version }] of Object.entries(await provideAll())) {
    console.log(`${name}: ${missing === undefined ? version : `missing, ${missing}`}`)
  }
}
