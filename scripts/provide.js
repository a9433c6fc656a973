// Finds or fetches every server that the tests want. A server's module in scripts/servers exports
// `provide(): Promise<Provided>`, which throws with the reason when it can't be had.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { recordProvided } from './servers/index.js'

const folder = join(import.meta.dirname, 'servers')
const shared = new Set(['index.js', 'program.js', 'fetch.js', 'certificate.js', 'debian.js', 'proxy.js', 'wheel.js'])

/** @returns {Promise<Record<string, import('./servers/index.js').Provided>>} */
export async function provideAll() {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js') && !shared.has(file))
  const found = await Promise.all(
    files.map(async (file) => {
      const name = file.slice(0, -'.js'.length)
      try {
        const { provide } = await import(pathToFileURL(join(folder, file)).href)
        return [name, await provide()]
      } catch (error) {
        return [name, { missing: error instanceof Error ? error.message : String(error) }]
      }
    }),
  )
  const servers = Object.fromEntries(found)
  recordProvided(servers)
  return servers
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, what] of Object.entries(await provideAll())) {
    console.log(`${name}: ${what.missing === undefined ? 'there' : `missing, ${what.missing}`}`)
  }
}
