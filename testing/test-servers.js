// Finds or fetches every server that the tests want. A server's module in testing/servers exports
// `provide(): Promise<Provided>`, which throws with the reason when it can't be had; the other modules there are their tools.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { recordProvided } from './servers/index.js'

const folder = join(import.meta.dirname, 'servers')

/** @returns {Promise<Record<string, import('./servers/index.js').Provided>>} */
export async function provideAll() {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js'))
  const found = await Promise.all(
    files.map(async (file) => {
      const { provide } = await import(pathToFileURL(join(folder, file)).href)
      if (provide === undefined) return []
      const name = file.slice(0, -'.js'.length)
      return [[name, await provide().catch(missing)]]
    }),
  )
  const servers = Object.fromEntries(found.flat())
  recordProvided(servers)
  return servers
}

/** @param {unknown} error @returns {import('./servers/index.js').Provided} */
function missing(error) {
  return { missing: error instanceof Error ? error.message : String(error) }
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, what] of Object.entries(await provideAll())) {
    console.log(`${name}: ${what.missing === undefined ? 'there' : `missing, ${what.missing}`}`)
  }
}
