import { createRequire } from 'node:module'
import { join } from 'node:path'
import { DatabankError } from 'connect-databank/backend'

/**
 * Imports a client as the package of the backend does: from where that package is, in the project or, if the project has none, beside
 * this package.
 *
 * @param backend the folder of the package: `redis` for `@connect-databank/redis`
 * @throws DATABANK_MISSING_PACKAGE
 */
export async function importClient<Module>(backend: string, client: string): Promise<Module> {
  const path = resolveFrom(manifestOf(backend), client)
  const module: { default?: Module } = await import(path)
  return module.default ?? (module as Module)
}

/** Imports the package of a backend, or another package of this family that it uses. */
export async function importPackage<Module>(backend: string, name = `@connect-databank/${backend}`): Promise<Module> {
  try {
    return await import(name)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    return await import(resolveFrom(manifestOf(backend), name))
  }
}

function resolveFrom(manifest: string, name: string): string {
  try {
    return createRequire(manifest).resolve(name)
  } catch (cause) {
    throw new DatabankError('DATABANK_MISSING_PACKAGE', `${name} is not installed: npm install ${name}`, { cause })
  }
}

/** The path of the backend's package.json, which every package exports. */
function manifestOf(backend: string): string {
  const name = `@connect-databank/${backend}`
  for (const place of [join(process.cwd(), 'index.js'), __filename]) {
    try {
      return createRequire(place).resolve(`${name}/package.json`)
    } catch {
      // The next place, or the error below.
    }
  }
  throw new DatabankError('DATABANK_MISSING_PACKAGE', `${name} is not installed: npm install ${name}`)
}
