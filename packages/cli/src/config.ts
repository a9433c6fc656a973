import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EncryptionOptions, OpenOptions, StoreOptions } from 'connect-databank'
import { Failure } from './failure.ts'

/** The options of `openStore(url, options)`: the store's and the bank's own. */
export type Config = Omit<StoreOptions, 'bank'> & OpenOptions & Record<string, unknown>

/** Newest first. */
const KEYS_VARIABLE = 'SESSION_ENCRYPTION_KEYS'

/**
 * The options that a file exports, as its default export or as `module.exports`. Without a file there are none.
 *
 * @throws Failure
 */
export async function readConfig(file: string | undefined): Promise<Config> {
  if (file === undefined) return {}
  const loaded = await load(file)
  const exported = loaded.default ?? loaded
  // A file that TypeScript compiled to CommonJS.
  const config = '__esModule' in Object(exported) ? (exported as { default?: unknown }).default : exported
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new Failure(`${file} must export the options of the store, as an object`)
  }
  return { ...config } as Config
}

async function load(file: string): Promise<{ default?: unknown }> {
  try {
    const address = pathToFileURL(resolve(file)).href
    return await import(address)
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new Failure(`${file} cannot be loaded: ${message}`)
  }
}

/** The keys of the environment variable replace those of the file; `acceptPlain` stays. */
export function withKeys(config: Config, env: NodeJS.ProcessEnv): Config {
  const keys = (env[KEYS_VARIABLE] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '')
  if (keys.length === 0) return config
  const encryption: EncryptionOptions = { ...config.encryption, keys }
  return { ...config, encryption }
}
