import { packageOf } from 'connect-databank/backend'

/** The path of an SQLite database in memory. */
export const IN_MEMORY = ':memory:'

/** The backend that serves a URL, by the folder of its package: `redis` for `rediss://…`; undefined for a scheme of the application's own. */
export function backendOf(url: string): string | undefined {
  return packageOf(url)?.replace('@connect-databank/', '')
}

/** The path in a `disk:` or `sqlite:` URL; undefined if the URL is malformed, which the bank refuses. */
export function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname).replace(/^\/(?=[a-z]:)/i, '')
  } catch {
    return undefined
  }
}

/** Whether the sessions are in the memory of the process that opens the URL. Options win over the URL. */
export function isInProcess(url: string, { path = pathOf(url) }: Record<string, unknown>): boolean {
  const backend = backendOf(url)
  return backend === 'memory' || (backend === 'sqlite' && path === IN_MEMORY)
}

/** A URL without user, password and parameters. */
export function nameOf(url: string): string {
  return url.replace(/\?.*$/s, '').replace(/\/\/.*@/s, '//')
}
