// A project outside the repository, with the packed packages installed as a user installs them.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { scratchFolder, until } from '../../testing/program.js'
import { root } from '../command.js'
import { prepare } from '../prepack.js'

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

/** The other dependencies of an Express application and its development tools. */
const companions = [
  'express@5.3.0',
  'express-session@1.19.0',
  '@types/express@5.0.6',
  '@types/express-session@1.19.0',
  '@types/node@20.19.43',
  '@opentelemetry/sdk-node@0.223.0',
  'typescript@5.9.3',
  'typescript-5.0@npm:typescript@5.0.4',
  'esbuild@0.28.2',
  'jest@30.5.2',
]

/**
 * Packs the packages before any test of the run, because packing rebuilds what other tests use. The installation continues while tests
 * run.
 */
export default async function setup(project: TestProject) {
  const scratch = await scratchFolder()
  try {
    const packages = await packAll(join(scratch.path, 'tarballs'))
    const outside = join(scratch.path, 'application')
    await mkdir(outside)
    await writeFile(join(outside, 'package.json'), JSON.stringify({ name: 'application', version: '1.0.0', private: true }))
    const installing = install(packages, outside)
    project.provide('outside', outside)
    project.provide('packages', packages)
    return async () => {
      await installing
      await scratch.remove()
    }
  } catch (error) {
    await scratch.remove()
    throw error
  }
}

/** Waits for the end of the installation in the project outside. Rejects if it failed. */
export async function installed(outside: string): Promise<void> {
  const said = () => readFile(join(outside, outcome), 'utf8').catch(() => undefined)
  await until(async () => (await said()) !== undefined, 'the installation of the packed packages', 110_000)
  const failure = await said()
  if (failure) throw new Error(failure)
}

/** The file with the installation's error, written at its end; empty if it succeeded. */
const outcome = 'outcome-of-installation'

async function install(packages: readonly Packed[], outside: string): Promise<void> {
  const wanted = [...packages.map(({ tarball }) => tarball), ...companions]
  const failure = await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', ...wanted], outside).then(
    () => linkSqlite(outside).then(() => ''),
    String,
  )
  const file = join(outside, outcome)
  await writeFile(`${file}.new`, failure)
  await rename(`${file}.new`, file)
}

/** The optional peer of the SQLite package, where Node.js has no `node:sqlite`: it was compiled when the repository was installed. */
async function linkSqlite(outside: string): Promise<void> {
  if (isBuiltin('node:sqlite')) return
  await symlink(join(root, 'node_modules/better-sqlite3'), join(outside, 'node_modules/better-sqlite3'))
}

/** Packs the public packages with one npm command. What their prepack scripts would do one after the other is done for all at once. */
async function packAll(destination: string): Promise<Packed[]> {
  await mkdir(destination)
  const found = await Promise.all(
    (await readdir(join(root, 'packages'))).map(async (directory) => {
      const folder = join(root, 'packages', directory)
      return { folder, manifest: JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) }
    }),
  )
  const published = found.filter(({ manifest }) => manifest.private !== true)
  if ((await prepare(published.map(({ folder }) => folder))) !== 0) throw new Error('the packages cannot be built')
  const workspaces = published.flatMap(({ manifest }) => ['--workspace', manifest.name])
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination, ...workspaces], root)
  const reports: PackReport[] = JSON.parse(stdout.slice(stdout.indexOf('[')))
  return published.map(({ folder, manifest }) => {
    const report = reports.find(({ name }) => name === manifest.name)
    if (report === undefined) throw new Error(`npm has not packed ${manifest.name}`)
    const files = report.files.map(({ path }) => path)
    return { name: manifest.name, folder, manifest, tarball: join(destination, report.filename), files }
  })
}

/** What `npm pack` reports of a package. */
interface PackReport {
  readonly name: string
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

async function npm(args: readonly string[], cwd: string) {
  const path = process.env['npm_execpath']
  const result = path === undefined ? await execute('npm', args, cwd) : await execute(process.execPath, [path, ...args], cwd)
  if (result.code !== 0) throw new Error(`npm ${args[0]} in ${cwd}: ${result.stdout}\n${result.stderr}`)
  return result
}

/** Runs a program to its end, without the environment variables of npm and vitest. */
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
