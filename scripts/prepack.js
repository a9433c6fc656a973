// Runs in a package before npm packs it: builds it from scratch, so that no file of an older build is published, and adds the licence.
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runTool } from './command.js'

/**
 * Makes packages ready to be packed.
 * @param {readonly string[]} folders
 * @returns {Promise<number>} the exit code of the compiler
 */
export async function prepare(folders) {
  for (const folder of folders) rmSync(join(folder, 'dist'), { recursive: true, force: true })
  const code = await runTool('tsc', ['-b', ...folders], { stdio: ['ignore', 2, 2] }) // standard output belongs to npm
  if (code === 0) for (const folder of folders) copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  return code
}

if (process.argv[1] === import.meta.filename) process.exitCode = await prepare([process.cwd()])
