import { randomBytes } from 'node:crypto'
import type { Bank, Entry } from 'connect-databank/backend'
import { Failure } from '../failure.ts'

/** The lifetime of the test entry, in milliseconds. */
const LIFETIME = 60_000

/**
 * Stores a test entry on the target for a moment, and looks for it on the source. URLs are not enough: a server or a file may have several
 * names. Both banks are without layers, so the entry has no owner and is not encrypted.
 *
 * @throws Failure if the source and the target are the same storage
 */
export async function requireDistinct(source: Bank, target: Bank): Promise<void> {
  // Like express-session's ids, so that tables and keys of other stores accept it, too.
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
