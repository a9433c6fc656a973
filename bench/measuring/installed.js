// What npm installs for some packages, counted in the installed packages of the repository. Nothing is fetched.
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

const bench = join(import.meta.dirname, '..')
const workspaces = realpathSync(join(bench, '../packages'))

/** Every application has it, so what it needs is not counted. */
const COMPANION = 'express-session'

/**
 * The packages that npm installs in an application, with their dependencies, and the size of their files.
 * @param {readonly string[]} names
 * @returns {{ packages: number, megabytes: number }}
 */
export function installed(names) {
  const companions = closure([COMPANION])
  const found = [...closure(names)].filter(([name]) => !companions.has(name))
  return { packages: found.length, megabytes: found.reduce((sum, [, folder]) => sum + sizeOf(folder), 0) / 1e6 }
}

/** The packages and all that they need: their folders by name and version. @param {readonly string[]} names */
function closure(names) {
  /** @type {Map<string, string>} */
  const found = new Map()
  const add = (/** @type {string} */ name, /** @type {string} */ from, isOptional = false) => {
    const folder = find(name, from)
    if (folder !== undefined) found.set(`${name} ${manifest(folder).version}`, folder)
    else if (!isOptional) throw new Error(`${name} is not installed`)
  }
  for (const name of names) add(name, bench)
  for (const folder of found.values()) {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest(folder)
    const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
    for (const name of [...Object.keys(dependencies), ...peers]) add(name, folder, name in optionalDependencies)
    // Those for other platforms are not installed.
    for (const name of Object.keys(optionalDependencies)) add(name, folder, true)
  }
  return found
}

/** Where Node.js finds a package: in the nearest node_modules above a folder. @param {string} name @param {string} from */
function find(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      return realpathSync(join(folder, 'node_modules', name))
    } catch {
      if (folder === dirname(folder)) return undefined
    }
  }
}

/** @param {string} folder */
function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** In bytes. Of our own packages, what is published. @param {string} folder */
function sizeOf(folder) {
  if (!folder.startsWith(workspaces)) return sizeOfFiles(folder)
  const { files } = /** @type {{ files: string[] }} */ (manifest(folder))
  const published = readdirSync(folder).filter(
    (name) => /^(package\.json|README\.md|LICENSE)$/.test(name) || files.includes(name),
  )
  return published.reduce((sum, name) => sum + sizeOfFiles(join(folder, name)), 0)
}

/** Without packages within, which are counted on their own. @param {string} path @returns {number} */
function sizeOfFiles(path) {
  const entry = lstatSync(path)
  if (!entry.isDirectory()) return entry.isFile() && !path.endsWith('.tsbuildinfo') ? entry.size : 0
  const names = readdirSync(path).filter((name) => name !== 'node_modules')
  return names.reduce((sum, name) => sum + sizeOfFiles(join(path, name)), 0)
}
