import { createCipheriv, createDecipheriv, createHmac, type Hmac, randomBytes } from 'node:crypto'
import { type Bank, type Entry, extend, type Stored, versionOf } from '../bank.ts'
import { invalidOption } from '../errors.ts'

/** The option `encryption`. */
export interface EncryptionOptions {
  /** Keys of 32 bytes, as bytes or as text in base64 or hexadecimal, the newest first. The newest encrypts; all decrypt. */
  readonly keys: readonly (string | Uint8Array)[]
  /** Whether records that are not encrypted are read too. They are encrypted at their next save. Default: false. */
  readonly acceptPlain?: boolean
}

/** A record is `databank1:<key id>:<nonce, ciphertext and tag in base64>`. */
const PREFIX = 'databank1:'
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D recommends 96 bits for a random nonce. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface Key {
  readonly id: string
  readonly secret: Buffer
  /** For owners in the index. */
  readonly ownerSecret: Buffer
}

/**
 * A layer that stores payloads encrypted with AES-256-GCM, and owners as their HMAC. The id is authenticated with each record, so
 * records cannot be exchanged. Versions are those of the bank below: a swap needs no additional read.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function encrypt(bank: Bank, { keys, acceptPlain = false }: EncryptionOptions): Bank {
  const all = keys.map(keyOf)
  const newest = all[0]!
  const byId = new Map(all.map((key) => [key.id, key]))
  const seal = (id: string, entry: Entry): Entry => ({
    payload: sealed(newest, id, entry),
    expires: entry.expires,
    owner: entry.owner == null ? null : ownerDigest(newest, entry.owner),
  })
  const open = (id: string, stored: Stored): Stored => opened(byId, id, stored, acceptPlain)
  const { swap, readMany, scan, idsOf, indexOwner } = bank
  return extend(bank, {
    async read(id) {
      const stored = await bank.read(id)
      return stored && open(id, stored)
    },
    async save(id, entry) {
      const record = seal(id, entry)
      return (await bank.save(id, record)) ?? record.payload
    },
    swap: swap && ((id, expected, entry, now) => swap.call(bank, id, expected, seal(id, entry), now)),
    readMany:
      readMany && (async (ids) => (await readMany.call(bank, ids)).map((stored, index) => stored && open(ids[index]!, stored))),
    scan:
      scan &&
      async function* () {
        for await (const [id, stored] of scan.call(bank)) yield [id, open(id, stored)] as const
      },
    idsOf:
      idsOf &&
      async function* (owner) {
        const digests = [...byId.values()].map((key) => ownerDigest(key, owner))
        const found = new Set<string>()
        // The newest key last: entries that are rewritten meanwhile move to it, and are then found, perhaps twice.
        for (const each of [...digests, ...(acceptPlain ? [owner] : [])].reverse()) {
          for await (const id of idsOf.call(bank, each)) {
            if (!found.has(id)) yield id
            found.add(id)
          }
        }
      },
    indexOwner:
      indexOwner &&
      // As it is stored: with any of the keys, or in plain text.
      (async (id) => {
        const owner = (await bank.read(id))?.owner
        if (owner != null) await indexOwner.call(bank, id, owner)
      }),
  })
}

/** @throws DATABANK_INVALID_OPTION */
export function checkEncryption(options: unknown): void {
  const { keys, acceptPlain, ...others } = (options ?? {}) as { keys?: unknown; acceptPlain?: unknown }
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw invalidOption(`encryption: unknown option ${unknown}; expected keys, acceptPlain`)
  if (!Array.isArray(keys) || keys.length === 0)
    throw invalidOption('encryption: keys must be an array of keys, the newest first')
  if (acceptPlain !== undefined && typeof acceptPlain !== 'boolean') {
    throw invalidOption('encryption: acceptPlain must be true or false')
  }
  for (const key of keys) keyOf(key)
}

function keyOf(key: unknown): Key {
  const secret = bytesOf(key)
  if (secret?.length !== KEY_BYTES) {
    throw invalidOption('encryption: each key must be 32 bytes, as a Buffer or as text in base64 or hexadecimal')
  }
  const id = hmac(secret, 'connect-databank key id').digest('base64url').slice(0, 8)
  return { id, secret, ownerSecret: hmac(secret, 'connect-databank owner').digest() }
}

function bytesOf(key: unknown): Buffer | undefined {
  if (key instanceof Uint8Array) return Buffer.from(key)
  if (typeof key !== 'string') return undefined
  if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex')
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(key) ? Buffer.from(key, 'base64') : undefined
}

function ownerDigest({ ownerSecret }: Key, owner: string): string {
  return hmac(ownerSecret, owner).digest('base64url')
}

function hmac(secret: Buffer, text: string): Hmac {
  return createHmac('sha256', secret).update(text)
}

/** The owner is encrypted with the payload, because its HMAC does not reveal it. */
function sealed(key: Key, id: string, { payload, owner }: Entry): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key.secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(id))
  const text = `${owner == null ? '' : JSON.stringify(owner)}\n${payload}`
  const encrypted = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${PREFIX}${key.id}:${encrypted.toString('base64')}`
}

function opened(keys: ReadonlyMap<string, Key>, id: string, stored: Stored, acceptPlain: boolean): Stored {
  const { payload, expires } = stored
  const version = versionOf(stored)
  const corrupt = (reason: string): Stored => ({ ...stored, version, corrupt: reason })
  if (stored.corrupt !== undefined) return corrupt(stored.corrupt)
  if (!payload.startsWith(PREFIX)) return acceptPlain ? { ...stored, version } : corrupt('the record is not encrypted')
  const separator = payload.indexOf(':', PREFIX.length)
  const key = keys.get(payload.slice(PREFIX.length, separator))
  if (key === undefined) return corrupt('the record is encrypted with an unknown key')
  const text = decrypted(key, id, Buffer.from(payload.slice(separator + 1), 'base64'))
  if (text === undefined) return corrupt('the record cannot be decrypted: it was changed')
  const end = text.indexOf('\n')
  const owner = end > 0 ? (JSON.parse(text.slice(0, end)) as string) : null
  return { payload: text.slice(end + 1), expires, owner, version }
}

function decrypted(key: Key, id: string, record: Buffer): string | undefined {
  try {
    const decipher = createDecipheriv(CIPHER, key.secret, record.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(id))
    decipher.setAuthTag(record.subarray(-TAG_BYTES))
    const text = decipher.update(record.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8')
    return text + decipher.final('utf8')
  } catch {
    return undefined
  }
}
