// What a command needs before it begins. Imports nothing but Node: it runs before the first installation.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNpm, runTool } from './command.js'
import { install } from './install.js'

/**
 * Installs what is missing and builds the packages; ends the process, with the compiler's code, if they can't be built.
 * @param {{ isBuilt?: boolean }} [options] `isBuilt`: take the packages as they are
 */
export async function installAndBuild({ isBuilt = false } = {}) {
  await install()
  const code = isBuilt ? 0 : await runTool('tsc', ['-b'])
  if (code !== 0) process.exit(code)
}

/** Installs the stores and clients that ours are compared with, which have a lock file of their own. */
export async function installPeers() {
  const folder = join(root, 'bench')
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const isThere = Object.keys(dependencies).every((name) => existsSync(join(folder, 'node_modules', name)))
  if (isThere) return
  // Not `npm ci`: it stops where a registry lacks a client's build for another platform. This takes the locked versions as well.
  const code = await runNpm(['install', '--no-save'], { cwd: folder })
  if (code !== 0) throw new Error(`npm install ended with ${code} in ${folder}`)
}
