import { DatabankStore, type EncryptionOptions } from 'connect-databank'
import { type Bank, encrypt, isLive, readRecord, type Stored, versionOf } from 'connect-databank/backend'
import { allSettled, batchesOf } from './batches.ts'
import { listed } from './sessions.ts'

export interface Counts {
  /** With the newest key. */
  encrypted: number
  /** Stored under the hash of their id. */
  moved: number
  /** Encrypted with another key, changed, not encrypted, or no session. */
  unreadable: number
}

/** How many sessions are stored at once. Ctrl-C waits for them. */
const AT_ONCE = 16
/** The most swaps of a session. A swap fails if the application writes the session meanwhile, with its own newest key. */
const ATTEMPTS = 5
/** A SHA-256. An id of 64 hexadecimal digits looks the same. Hashing a hash again would end the session, so such ids stay. */
const HASH = /^[0-9a-f]{64}$/

/** Stores each session again while the application runs: with the newest key, and under the hash of its id. */
export class Reencryption {
  readonly counts: Counts = { encrypted: 0, moved: 0, unreadable: 0 }
  readonly #raw: Bank
  readonly #bank: Bank
  readonly #isHashed: boolean
  readonly #encryption: EncryptionOptions | undefined
  /** Moves a session to the hash of its id when it is read. */
  readonly #mover: DatabankStore

  /** @param raw the bank with entries as they are stored */
  constructor(raw: Bank, encryption: EncryptionOptions | undefined, isHashed: boolean) {
    this.#raw = raw
    this.#bank = encryption === undefined ? raw : encrypt(raw, encryption)
    this.#encryption = encryption
    this.#isHashed = isHashed
    const encrypted = encryption === undefined ? {} : { encryption }
    this.#mover = new DatabankStore({ bank: raw, ...encrypted, hashIds: { acceptPlain: true }, cleanupInterval: null })
  }

  async run(): Promise<void> {
    const newest = this.#encryption && (await beginningOfNewest(this.#encryption))
    const renew = async ([id, stored]: readonly [id: string, stored: Stored]): Promise<void> => {
      if (!isLive(stored, Date.now())) return
      if (this.#isHashed && !HASH.test(id)) await this.#move(id)
      else if (newest !== undefined && !stored.payload.startsWith(newest)) await this.#rewrite(id)
    }
    for await (const batch of batchesOf(listed(this.#raw), AT_ONCE)) await allSettled(batch.map(renew))
  }

  async #move(id: string): Promise<void> {
    const stored = await this.#readLive(id)
    if (stored === null) return
    await this.#mover.get(id)
    this.counts.moved++
    if (this.#encryption !== undefined) this.counts.encrypted++
  }

  async #rewrite(id: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stored = await this.#readLive(id)
      if (stored === null) return
      const { payload, expires, owner = null } = stored
      if ((await swap(this.#bank, id, stored, { payload, expires, owner })) !== null) {
        this.counts.encrypted++
        return
      }
    }
  }

  /** The entry, if it is live and can be read. */
  async #readLive(id: string): Promise<Stored | null> {
    const stored = await this.#bank.read(id)
    if (!isLive(stored, Date.now())) return null
    if (readRecord(stored) !== null) return stored
    this.counts.unreadable++
    return null
  }
}

function swap(bank: Bank, id: string, stored: Stored, entry: { payload: string; expires: number | null; owner: string | null }) {
  if (bank.swap !== undefined) return bank.swap(id, versionOf(stored), entry, Date.now())
  // As in the store without the capability: it is not atomic between processes.
  return bank.save(id, entry).then((version) => version ?? entry.payload)
}

/** The beginning of records that are encrypted with the newest key: it contains the key's id. */
async function beginningOfNewest(encryption: EncryptionOptions): Promise<string> {
  let payload = ''
  const probe: Bank = {
    read: async () => null,
    delete: async () => false,
    save: async (_id, entry) => {
      payload = entry.payload
    },
  }
  await encrypt(probe, encryption).save('id', { payload: '', expires: null })
  return payload.slice(0, payload.lastIndexOf(':') + 1)
}
