// Installs the packages of the lock file. Imports only Node.js modules, because it runs before the first installation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNpm } from './command.js'

/** Runs `npm ci` unless the installed packages match the lock file. */
export async function install() {
  if (isInstalled()) return
  console.log('installing the packages of package-lock.json …')
  const code = await runNpm(['ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'])
  if (code !== 0) throw new Error(`npm ci ended with ${code}`)
}

/**
 * Whether the installed packages match the lock file. Contents are compared, not times: git gives the lock file the time of the checkout.
 */
function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const installed = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true
    const there = installed[path]
    // npm leaves out optional packages for other platforms.
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
