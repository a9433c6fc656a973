// Runs programs. Imports only Node.js modules, so that it works before the first installation.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a program in this terminal to its end; returns its exit code, or 1 if a signal ended it.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    spawn(program, args, { cwd: root, stdio: 'inherit', ...options })
      .once('error', reject)
      .once('exit', (code) => resolve(code ?? 1))
  })
}

/**
 * Runs a program of an installed package in this terminal to its end.
 * @param {keyof typeof entryPoints} name
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runTool(name, args, options) {
  return run(process.execPath, [join(root, 'node_modules', entryPoints[name]), ...args], options)
}

/**
 * Runs a program of an installed package to its end; returns its output.
 * @param {keyof typeof entryPoints} name
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runQuietly(name, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', entryPoints[name]), ...args], { cwd: root })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk
      })
    }
    child.once('error', reject).once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

// By path: a bin link is a .cmd file on Windows, which Node.js spawns only through a shell.
const entryPoints = {
  biome: '@biomejs/biome/bin/biome',
  tsc: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
}

/**
 * Runs npm in this terminal to its end.
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runNpm(args, options) {
  const npm = process.env['npm_execpath']
  if (npm !== undefined) return run(process.execPath, [npm, ...args], options)
  return run('npm', args, { shell: process.platform === 'win32', ...options })
}
