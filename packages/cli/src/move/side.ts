import { type Bank, DatabankError, type Entry, isLive, readMany, type Stored, versionOf } from 'connect-databank/backend'

/** An expiry in the far past, for every clock and in every unit. Some databases accept no earlier time. */
const LONG_AGO = 1

/** The source or the target of a move. */
export class Side {
  readonly bank: Bank
  readonly #now: () => number

  constructor(bank: Bank, now: () => number) {
    this.bank = bank
    this.#now = now
  }

  /** @throws DATABANK_NOT_SUPPORTED */
  scan(): AsyncIterable<readonly [id: string, stored: Stored]> {
    if (this.bank.scan !== undefined) return this.bank.scan()
    const message = `the bank ${this.bank.name ?? 'without a name'} cannot list its sessions: it has no scan()`
    throw new DatabankError('DATABANK_NOT_SUPPORTED', message)
  }

  /** The live entries, in the order of the ids; null where there is none. */
  async liveOf(ids: readonly string[]): Promise<(Stored | null)[]> {
    return (await readMany(this.bank, ids)).map((stored) => this.live(stored))
  }

  async liveOne(id: string): Promise<Stored | null> {
    return this.live(await this.bank.read(id))
  }

  live(stored: Stored | null): Stored | null {
    return isLive(stored, this.#now()) ? stored : null
  }

  /**
   * Stores the entry if `expected` is stored; null: if no live entry is stored. Returns whether it did. Without compare-and-swap, a
   * write between the read and the save is lost.
   */
  async swap(id: string, expected: Stored | null, entry: Entry): Promise<boolean> {
    const version = expected === null ? null : versionOf(expected)
    if (this.bank.swap !== undefined) return (await this.bank.swap(id, version, entry, this.#now())) !== null
    const stored = await this.liveOne(id)
    if ((stored === null ? null : versionOf(stored)) !== version) return false
    await this.bank.save(id, entry)
    return true
  }

  /**
   * Ends the session if `expected` is stored. Returns whether it did. The contract has no conditional delete, so the entry is swapped for an
   * expired one, which counts as missing, and which the clean-up deletes.
   */
  async end(id: string, expected: Stored): Promise<boolean> {
    const { payload, owner = null } = expected
    if (this.bank.swap !== undefined) return this.swap(id, expected, { payload, expires: LONG_AGO, owner })
    const stored = await this.liveOne(id)
    return stored !== null && versionOf(stored) === versionOf(expected) && this.bank.delete(id)
  }
}
