import { packageOf } from 'connect-databank/backend'

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

/** A URL without user, password and parameters. */
export function nameOf(url: string): string {
  return url.replace(/\?.*$/s, '').replace(/\/\/.*@/s, '//')
}
