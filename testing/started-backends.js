// The backends that the examples of READMEs use, each started once.
import { backendOf, missing } from './backends.js'

/** @type {Map<string, Promise<import('./backends.js').Started>>} */
const started = new Map()

/** Why the example of a package cannot run, or undefined. @param {string} name the package's folder */
export function reasonToSkip(name) {
  const backend = backendOf(name)
  return backend && missing(backend)
}

/**
 * The environment variable with the server's address, as the example of a package reads it; empty if the package needs no server.
 * @param {string} name the package's folder
 * @returns {Promise<Record<string, string>>}
 */
export async function addressOf(name) {
  const backend = backendOf(name)
  if (backend?.server === undefined) return {}
  const running = started.get(name) ?? backend.start()
  started.set(name, running)
  return { [`${name.toUpperCase()}_URL`]: (await running).url }
}

export async function stopBackends() {
  const running = [...started.values()]
  started.clear()
  for (const each of running) await (await each).stop()
}
