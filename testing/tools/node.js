// Other versions of Node.js, from the npm registry.
import { join } from 'node:path'
import { cacheFolder } from '../servers/index.js'
import { isProgram } from './command.js'
import { unpackNpm } from './npm.js'

/**
 * The program of a version of Node.js.
 * @param {string} version exact
 */
export async function fetchNode(version) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(cacheFolder, `${name}-${version}`)
  const program = join(folder, 'bin/node')
  if (!(await isProgram(program))) await unpackNpm(`${name}@${version}`, folder)
  return program
}
