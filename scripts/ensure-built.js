// Installs and builds what a command needs. Imports only Node.js modules, because it runs before the first installation.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNpm, runTool } from './command.js'
import { install } from './install.js'

/**
 * Installs what is missing and builds the packages. Ends the process with the compiler's exit code if the build fails.
 * @param {{ isBuilt?: boolean }} [options] `isBuilt`: skips the build. Default: false
 */
export async function installAndBuild({ isBuilt = false } = {}) {
  await install()
  const code = isBuilt ? 0 : await runTool('tsc', ['-b'])
  if (code !== 0) process.exit(code)
}

/** Installs the stores and clients of other makers, which have a lock file of their own in bench/. */
export async function installPeers() {
  const folder = join(root, 'bench')
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const isThere = Object.keys(dependencies).every((name) => existsSync(join(folder, 'node_modules', name)))
  if (isThere) return
  // Not `npm ci`, which fails if a registry lacks a client's build for another platform. This installs the locked versions too.
  const code = await runNpm(['install', '--no-save'], { cwd: folder })
  if (code !== 0) throw new Error(`npm install ended with ${code} in ${folder}`)
}
