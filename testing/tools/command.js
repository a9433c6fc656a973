// Running commands and finding programs.
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Runs a command to its end. Rejects with the last lines of its output if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileOptions} [options]
 * @returns {Promise<string>} its standard output
 */
export async function run(command, args, options = {}) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024, timeout: 15 * 60_000, ...options })
    return String(stdout)
  } catch (error) {
    const said = String(/** @type {any} */ (error).stderr || error)
      .trim()
      .split('\n')
      .slice(-3)
      .join(' ')
    throw new Error(`${command} ${args[0] ?? ''}: ${said}`)
  }
}

/**
 * The path of a program on the PATH, or undefined.
 * @param {string} name
 */
export async function onPath(name) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (await isProgram(path)) return path
  }
  return undefined
}

/** @param {string} path */
export async function isProgram(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
