// The servers that the tests may use, as `npm run test-servers` found them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const cacheFolder = join(dirname(fileURLToPath(import.meta.url)), '../../.cache')
const record = join(cacheFolder, 'servers.json')

/**
 * What `provide()` of a server's module gives: what `start` needs (paths of programs, an address), or why it can't be had (`missing`).
 * `lacking` says what a stand-in lacks, so that it is not tested: that is no failure. `isOptional`: neither is it if it's missing.
 * @typedef {Record<string, unknown> & { packageName: string, title: string, isOptional: boolean, version?: string, missing?: string,
 *   lacking?: string }} Provided
 */

/** @returns {Record<string, Provided>} */
export function provided() {
  try {
    const { folder, servers } = JSON.parse(readFileSync(record, 'utf8'))
    // The paths in a record that was moved or copied lead elsewhere.
    return folder === cacheFolder ? servers : {}
  } catch {
    return {}
  }
}

/** @param {Record<string, Provided>} servers */
export function recordProvided(servers) {
  mkdirSync(cacheFolder, { recursive: true })
  writeFileSync(record, JSON.stringify({ folder: cacheFolder, servers }, null, 2))
}

/**
 * What is there of one server; `missing` says why nothing is.
 * @param {string} name
 * @returns {Provided}
 */
export function server(name) {
  const missing = 'not looked for yet: run `npm run test-servers`'
  return provided()[name] ?? { packageName: '', title: name, isOptional: false, missing }
}
