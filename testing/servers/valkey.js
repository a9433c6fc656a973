// Valkey 8.1 from the PATH, else from Debian 13, with the C library that it was built for.
import { join } from 'node:path'
import { isProgram, onPath } from '../tools/command.js'
import { librariesIn, loaderIn, optionsForRelease, unpackDebian } from '../tools/debian.js'
import { cacheFolder } from './index.js'
import { versionOf } from './redis.js'

const PACKAGES = ['valkey-server', 'valkey-tools', 'libatomic1', 'libc6', 'libcap2', 'libgcc-s1', 'libjemalloc2', 'liblzf1']
const LIBRARIES = ['libssl3t64', 'libstdc++6', 'libsystemd0', 'libzstd1', 'zlib1g']

export const packageName = 'redis'
export const title = 'Valkey'

/** @returns {Promise<{ binary: import('./redis.js').Binary, version: string }>} */
export async function provide() {
  const installed = await onPath('valkey-server')
  if (installed !== undefined) return found({ command: installed })
  const folder = join(cacheFolder, 'valkey')
  const program = join(folder, 'usr/bin/valkey-server')
  if (!(await isProgram(program))) {
    const options = await optionsForRelease('trixie', join(cacheFolder, 'trixie'))
    await unpackDebian([...PACKAGES, ...LIBRARIES], folder, options)
  }
  const libraries = await librariesIn(folder)
  const binary = { command: await loaderIn(libraries), args: ['--library-path', libraries, program] }
  return found(binary)
}

/** @param {import('./redis.js').Binary} binary */
async function found(binary) {
  return { binary, version: await versionOf('Valkey', binary) }
}
