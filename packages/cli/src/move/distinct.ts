import { randomBytes } from 'node:crypto'
import type { Bank, Entry } from 'connect-databank/backend'
import { Failure } from '../failure.ts'

/** How long the entry lives that looks for the target on the source, in milliseconds. */
const LIFETIME = 60_000

/**
 * Stores an entry on the target for a moment, and looks for it on the source. URLs do not tell: one server, and one file, has several
 * names. Both banks are the raw ones: the entry has no owner and no key.
 *
 * @throws Failure if the source and the target are the same storage
 */
export async function requireDistinct(source: Bank, target: Bank): Promise<void> {
  // As express-session makes ids: tables and keys of other stores take it as well.
  const id = randomBytes(24).toString('base64url')
  try {
    await target.save(id, shortSession())
    if ((await source.read(id)) === null) return
  } finally {
    // If that fails, the entry expires within a minute.
    await target.delete(id).catch(() => {})
  }
  throw new Failure('the source and the target are the same storage: nothing was moved')
}

function shortSession(): Entry {
  const expires = Date.now() + LIFETIME
  const cookie = { originalMaxAge: LIFETIME, expires: new Date(expires).toISOString(), httpOnly: true, path: '/' }
  return { payload: JSON.stringify({ cookie }), expires, owner: null }
}
