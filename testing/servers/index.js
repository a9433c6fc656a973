// The servers that the tests can use, as `npm run test-servers` found them.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const cacheFolder = join(dirname(fileURLToPath(import.meta.url)), '../../.cache')
const record = join(cacheFolder, 'servers.json')

/**
 * The result of a module's `provide()`: the values to start the server (paths of programs, an address), or why it is `missing`. `lacking`
 * names the untested features that a stand-in lacks. This is not a failure. `isOptional`: a missing server is not a failure.
 * @typedef {Record<string, unknown> & { packageName: string, title: string, isOptional: boolean, version?: string, missing?: string,
 *   lacking?: string }} Provided
 */

/** @returns {Record<string, Provided>} */
export function provided() {
  try {
    const { folder, servers } = JSON.parse(readFileSync(record, 'utf8'))
    // A record that was moved or copied has paths of another folder.
    return folder === cacheFolder ? servers : {}
  } catch {
    return {}
  }
}

/** Replaces the record as a whole, so that no process reads half of it. @param {Record<string, Provided>} servers */
export function recordProvided(servers) {
  mkdirSync(cacheFolder, { recursive: true })
  const draft = `${record}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ folder: cacheFolder, servers }, null, 2))
  renameSync(draft, record)
}

/**
 * The result of `provide()` of one server.
 * @param {string} name
 * @returns {Provided}
 */
export function server(name) {
  const missing = 'not looked for yet: run `npm run test-servers`'
  return provided()[name] ?? { packageName: '', title: name, isOptional: false, missing }
}
