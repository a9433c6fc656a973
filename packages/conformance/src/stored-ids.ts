import assert from 'node:assert/strict'
import type { Bank, Entry } from 'connect-databank/backend'
import { shown } from './bank/helpers.ts'

/** How ids are stored. */
export interface Access {
  readonly bank: Bank
  /** How many operations run at once. */
  readonly atOnce: number
  /** Stores many by one command. Undefined: each is saved by the bank. */
  readonly saveMany?: ((entries: readonly (readonly [id: string, entry: Entry])[]) => Promise<void>) | undefined
}

/** How many go to `saveMany` at once. */
const BULK = 1_000
/** How many of those that `saveMany` stored are saved and deleted by the bank. */
const BY_BANK = 500

/** Ids that are stored, each with a payload of its own, and whether the bank keeps them so. */
export class StoredIds {
  readonly #access: Access
  readonly #payloads: Map<string, string>
  /** The ids that the bank saves and deletes one by one. */
  readonly #single: readonly string[]
  readonly #expires = Date.now() + 3_600_000

  constructor(ids: readonly string[], access: Access) {
    this.#access = access
    this.#payloads = new Map(ids.map((id, index) => [id, `${index}`]))
    const step = access.saveMany === undefined ? 1 : Math.ceil(ids.length / BY_BANK)
    this.#single = ids.filter((_, index) => index % step === 0)
  }

  async save(): Promise<void> {
    const { bank, saveMany } = this.#access
    if (saveMany !== undefined) {
      const entries = Array.from(this.#payloads, ([id, payload]) => [id, this.#entry(`${payload}, by one command`)] as const)
      for (let start = 0; start < entries.length; start += BULK) await saveMany(entries.slice(start, start + BULK))
      for (const [id, { payload }] of entries) this.#payloads.set(id, payload)
    }
    await this.#each(this.#single, async (id) => {
      const payload = `${this.#payloads.get(id)}, saved`
      this.#payloads.set(id, payload)
      await bank.save(id, this.#entry(payload))
    })
  }

  /** Reads each, and lists all if the bank can. */
  async assertStored(): Promise<void> {
    await this.#each([...this.#payloads.keys()], async (id) => {
      assert.equal((await this.#access.bank.read(id))?.payload, this.#payloads.get(id), `the entry of ${shown(id)}`)
    })
    await this.#assertListed()
  }

  /** Deletes one by one. If a deletion removed another's entry, that other deletion finds nothing. */
  async deleteSome(): Promise<void> {
    const { bank } = this.#access
    const [some, rest] = [this.#single.filter(isEven), this.#single.filter((_, index) => !isEven(_, index))]
    await this.#delete(some)
    if (bank.scan === undefined) await this.#delete(rest)
    else await this.#assertListed()
  }

  /** Deletes all that are left at once, if the bank can. */
  async clear(): Promise<void> {
    const { bank } = this.#access
    if (bank.clear === undefined) return
    await bank.clear()
    for (const id of this.#single.slice(0, BULK)) assert.equal(await bank.read(id), null, `${shown(id)} is stored after a clear`)
    this.#payloads.clear()
    await this.#assertListed()
  }

  async #delete(ids: readonly string[]): Promise<void> {
    await this.#each(ids, async (id) => {
      this.#payloads.delete(id)
      assert.equal(await this.#access.bank.delete(id), true, `${shown(id)} is missing before its deletion`)
    })
  }

  async #assertListed(): Promise<void> {
    const { bank } = this.#access
    if (bank.scan === undefined) return
    const found = new Set<string>()
    for await (const [id, { payload }] of bank.scan()) {
      assert.equal(payload, this.#payloads.get(id), `scan yields ${shown(id)}`)
      found.add(id)
    }
    assert.equal(found.size, this.#payloads.size, 'scan yields as many as are stored')
  }

  #entry(payload: string): Entry {
    return { payload, expires: this.#expires }
  }

  async #each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
    const { atOnce } = this.#access
    for (let start = 0; start < ids.length; start += atOnce) await Promise.all(ids.slice(start, start + atOnce).map(work))
  }
}

function isEven(_item: unknown, index: number): boolean {
  return index % 2 === 0
}
