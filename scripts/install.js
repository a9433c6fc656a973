// Installs what the lock file says, if it isn't there already. Imports nothing but Node: it runs before the first installation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNpm } from './command.js'

/** Runs `npm ci` in a fresh clone, and again when the lock file has moved on. */
export async function install() {
  if (isInstalled()) return
  console.log('installing what package-lock.json says …')
  const code = await runNpm(['ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'])
  if (code !== 0) throw new Error(`npm ci ended with ${code}`)
}

/**
 * Whether every package of the lock file is installed as it says. Contents are compared, not times: git gives the lock file
 * the time of the checkout.
 */
function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const installed = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true
    const there = installed[path]
    // npm leaves out optional packages that are made for other platforms.
    if (there === undefined) return entry.optional === true || entry.devOptional === true
    return there.version === entry.version && there.integrity === entry.integrity
  })
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }> | undefined}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return undefined
  }
}
