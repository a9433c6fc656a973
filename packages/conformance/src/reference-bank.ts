import { type Bank, type BankDescription, type Entry, isLive, type Stored, type Touch } from 'connect-databank/backend'

/** The storage that several reference banks share, as several processes share a database. */
export type Table = Map<string, Stored>

/** How a reference bank behaves. */
export interface ReferenceBankOptions {
  /** `own`: each write stores a new version. `payload`: the payload is the version. Default: `own`. */
  readonly versions?: 'own' | 'payload'
}

/** Never repeated in a process, so that the version of a deleted entry does not come back. */
let lastVersion = 0

/**
 * A bank in memory that implements the contract in the simplest way, to test the checks and layers. It returns copies, and every call
 * takes effect later, as with a real database.
 */
export class ReferenceBank implements Bank {
  readonly name: string = 'reference'
  protected readonly table: Table
  readonly #hasVersions: boolean
  #isClosed = false

  constructor(table: Table = new Map(), { versions = 'own' }: ReferenceBankOptions = {}) {
    this.table = table
    this.#hasVersions = versions === 'own'
  }

  /** One turn of the event loop before each operation. */
  protected async begin(): Promise<void> {
    if (this.#isClosed) throw Object.assign(new Error('this bank is closed'), { code: 'DATABANK_CLOSED' })
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Stores a copy now, under a new version. Returns the version, if this bank has versions of its own. */
  protected put(id: string, { payload, expires, owner }: Entry): string | undefined {
    const entry = { payload, expires, ...(owner != null && { owner }) }
    if (!this.#hasVersions) {
      this.table.set(id, entry)
      return undefined
    }
    const version = `v${++lastVersion}`
    this.table.set(id, { ...entry, version })
    return version
  }

  protected live(id: string, now: number): Stored | null {
    const stored = this.table.get(id)
    return isLive(stored, now) ? stored : null
  }

  async read(id: string): Promise<Stored | null> {
    await this.begin()
    const stored = this.table.get(id)
    return stored === undefined ? null : { ...stored }
  }

  async save(id: string, entry: Entry): Promise<string | undefined> {
    const copy = { ...entry }
    await this.begin()
    return this.put(id, copy)
  }

  async delete(id: string): Promise<boolean> {
    await this.begin()
    return this.table.delete(id)
  }

  async touch(id: string, expires: number | null, now: number): Promise<void> {
    await this.begin()
    const stored = this.live(id, now)
    if (stored !== null) this.table.set(id, { ...stored, expires })
  }

  async swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    await this.begin()
    const stored = this.live(id, now)
    if ((stored === null ? null : (stored.version ?? stored.payload)) !== expected) return null
    return this.put(id, entry) ?? entry.payload
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    return Promise.all(ids.map((id) => this.read(id)))
  }

  async touchMany(touches: readonly Touch[], now: number): Promise<void> {
    await this.begin()
    await Promise.all(touches.map(([id, expires]) => this.touch(id, expires, now)))
  }

  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    await this.begin()
    for (const [id, stored] of this.table) yield [id, { ...stored }]
  }

  async *idsOf(owner: string): AsyncGenerator<string> {
    await this.begin()
    for (const [id, stored] of this.table) if (stored.owner === owner && isLive(stored, Date.now())) yield id
  }

  async indexOwner(): Promise<void> {
    await this.begin()
  }

  async count(now: number): Promise<number> {
    await this.begin()
    return [...this.table.values()].filter((stored) => isLive(stored, now)).length
  }

  async clear(): Promise<void> {
    await this.begin()
    this.table.clear()
  }

  async purge(now: number): Promise<number> {
    await this.begin()
    let deleted = 0
    for (const [id, stored] of this.table) if (!isLive(stored, now) && this.table.delete(id)) deleted++
    return deleted
  }

  async describe(): Promise<BankDescription> {
    await this.begin()
    return { server: 'ReferenceBank' }
  }

  async open(): Promise<void> {
    await this.begin()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }
}
