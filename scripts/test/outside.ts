// An empty project outside the repository, with the packed packages installed as a user would.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { root } from '../command.js'
import { scratchFolder } from '../servers/program.js'

/** One public package, packed. */
export interface Packed {
  readonly name: string
  /** In the repository. */
  readonly folder: string
  readonly tarball: string
  /** Paths in the tarball. */
  readonly files: readonly string[]
  readonly manifest: Readonly<Record<string, unknown>>
}

declare module 'vitest' {
  interface ProvidedContext {
    outside: string
    packages: readonly Packed[]
  }
}

/** What an Express application has besides a store, and what its author compiles it with. */
const companions = [
  'express@5.3.0',
  'express-session@1.19.0',
  '@types/express@5.0.6',
  '@types/express-session@1.19.0',
  '@types/node@20.19.43',
  'typescript@5.9.3',
]

/** Runs before the tests of packed packages. */
export default async function setup(project: TestProject) {
  const scratch = await scratchFolder()
  try {
    const packages = await packAll(join(scratch.path, 'tarballs'))
    const outside = join(scratch.path, 'application')
    await mkdir(outside)
    await writeFile(join(outside, 'package.json'), JSON.stringify({ name: 'application', version: '1.0.0', private: true }))
    await npm(
      ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages.map(({ tarball }) => tarball), ...companions],
      outside,
    )
    project.provide('outside', outside)
    project.provide('packages', packages)
  } catch (error) {
    await scratch.remove()
    throw error
  }
  return scratch.remove
}

async function packAll(destination: string): Promise<Packed[]> {
  await mkdir(destination)
  const packed: Packed[] = []
  for (const directory of await readdir(join(root, 'packages'))) {
    const folder = join(root, 'packages', directory)
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    if (manifest.private === true) continue
    const { stdout } = await npm(['pack', '--json', '--pack-destination', destination], folder)
    const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[')))
    packed.push({
      name: manifest.name,
      folder,
      manifest,
      tarball: join(destination, filename.replace('@', '').replace('/', '-')),
      files: files.map(({ path }: { path: string }) => path),
    })
  }
  return packed
}

async function npm(args: readonly string[], cwd: string) {
  const path = process.env['npm_execpath']
  const result = path === undefined ? await execute('npm', args, cwd) : await execute(process.execPath, [path, ...args], cwd)
  if (result.code !== 0) throw new Error(`npm ${args[0]} in ${cwd}: ${result.stdout}\n${result.stderr}`)
  return result
}

/** Runs a program to its end, without what npm and vitest have put into our environment. */
export function execute(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd, env: { ...plainEnvironment(), ...env }, maxBuffer: 2 ** 26, shell: process.platform === 'win32' }
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

export function plainEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^(npm_(?!config_(registry|cache|userconfig))|VITEST|VITE_|NODE_ENV$|NODE_OPTIONS$|NODE_PATH$|TEST$|DEV$|PROD$|MODE$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
