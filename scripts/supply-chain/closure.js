// All direct and indirect dependencies of our packages, from package-lock.json.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.js'

/**
 * @typedef {{ name?: string, version?: string, license?: string, hasInstallScript?: boolean, link?: boolean, resolved?: string } & Needs} Locked
 *   an entry of the lock file
 * @typedef {{ dependencies?: Names, optionalDependencies?: Names, peerDependencies?: Names,
 *   peerDependenciesMeta?: Record<string, { optional?: boolean }> }} Needs
 * @typedef {Record<string, string>} Names
 * @typedef {Record<string, Locked>} Lock by path
 * @typedef {{ name: string, version: string, license: string, hasInstallScript: boolean }} Installed
 */

/** @returns {Lock} */
export function readLock() {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
}

/**
 * The packages that are published.
 * @returns {{ name: string, path: string, manifest: Needs & { name: string, version: string } }[]} `path` as in the lock file
 */
export function publicPackages() {
  return readdirSync(join(root, 'packages'))
    .map((folder) => {
      const path = `packages/${folder}`
      const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
      return { name: manifest.name, path, manifest }
    })
    .filter(({ manifest }) => manifest.private !== true)
}

/**
 * The dependencies of the package at a path, sorted by name, without our own packages. Peer dependencies count too, as npm installs them,
 * unless they are optional.
 * @param {Lock} lock
 * @param {string} path
 * @returns {Installed[]}
 */
export function closure(lock, path) {
  /** @type {Map<string, Installed>} */
  const found = new Map()
  const seen = new Set([path])
  for (const at of seen) {
    for (const [name, isOptional] of needs(lock[at] ?? {})) {
      const where = resolve(lock, at, name)
      if (where === undefined) {
        if (isOptional) continue
        throw new Error(`${name}, which ${at} needs, is not in the lock file`)
      }
      seen.add(where)
      const entry = lock[where] ?? {}
      if (!where.includes('node_modules/')) continue
      const { version = '', hasInstallScript = false } = entry
      found.set(`${name} ${version}`, { name, version, license: licenceOf(entry, where), hasInstallScript })
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** The names of an entry's dependencies, and whether each is optional. @param {Needs} entry @returns {Map<string, boolean>} */
function needs({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  return new Map([
    ...[...peers, ...Object.keys(dependencies)].map((name) => /** @type {const} */ ([name, false])),
    ...Object.keys(optionalDependencies).map((name) => /** @type {const} */ ([name, true])),
  ])
}

/** Where Node.js finds `name` from a path: in the nearest node_modules above it. @param {Lock} lock @param {string} from @param {string} name */
function resolve(lock, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    const entry = lock[path]
    if (entry !== undefined) return entry.link === true ? entry.resolved : path
    if (folder === '') return undefined
  }
}

/** The licence of a package. The lock file lacks the older forms of the field. @param {Locked} entry @param {string} path */
function licenceOf({ license }, path) {
  if (license !== undefined) return license
  try {
    const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
    const said = manifest.license ?? manifest.licenses?.map((/** @type {any} */ each) => each.type ?? each).join(' OR ')
    return typeof said === 'object' ? said.type : (said ?? 'unknown')
  } catch {
    return 'unknown'
  }
}
