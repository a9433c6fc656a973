import assert from 'node:assert/strict'
import type { Bank, Entry } from 'connect-databank'

/** How ids come to a bank. */
export interface Ways {
  readonly bank: Bank
  /** How many operations are under way at once. */
  readonly atOnce: number
  /** Puts many there by one command. Undefined: each is saved singly. */
  readonly saveMany?: ((entries: readonly (readonly [id: string, entry: Entry])[]) => Promise<void>) | undefined
}

/** How many go to `saveMany` at once. */
const BULK = 1_000
/** How many of those that were put by it are saved over and deleted singly. */
const SINGLY = 500

/** Ids that are stored, each with a payload of its own, and the question whether a bank keeps them so. */
export class StoredIds {
  readonly #ways: Ways
  readonly #payloads: Map<string, string>
  /** Those that are saved and deleted one by one. */
  readonly #single: readonly string[]
  readonly #expires = Date.now() + 3_600_000

  constructor(ids: readonly string[], ways: Ways) {
    this.#ways = ways
    this.#payloads = new Map(ids.map((id, index) => [id, `${index}`]))
    const step = ways.saveMany === undefined ? 1 : Math.ceil(ids.length / SINGLY)
    this.#single = ids.filter((_, index) => index % step === 0)
  }

  async save(): Promise<void> {
    const { bank, saveMany } = this.#ways
    if (saveMany !== undefined) {
      const entries = Array.from(this.#payloads, ([id, payload]) => [id, this.#entry(`${payload}, put`)] as const)
      for (let start = 0; start < entries.length; start += BULK) await saveMany(entries.slice(start, start + BULK))
      for (const [id, { payload }] of entries) this.#payloads.set(id, payload)
    }
    await this.#each(this.#single, async (id) => {
      const payload = `${this.#payloads.get(id)}, saved`
      this.#payloads.set(id, payload)
      await bank.save(id, this.#entry(payload))
    })
  }

  /** Reads each, and lists all where the bank can. */
  async assertThere(): Promise<void> {
    await this.#each([...this.#payloads.keys()], async (id) => {
      assert.equal((await this.#ways.bank.read(id))?.payload, this.#payloads.get(id), `the entry of ${shown(id)}`)
    })
    await this.#assertListed()
  }

  /** Deletes one after the other of what is saved singly: had one deletion met another's entry, that one would be missing then. */
  async deleteSome(): Promise<void> {
    const { bank } = this.#ways
    const [some, rest] = [this.#single.filter(isEven), this.#single.filter((_, index) => !isEven(_, index))]
    await this.#delete(some)
    if (bank.scan === undefined) await this.#delete(rest)
    else await this.#assertListed()
  }

  /** All that is left goes at once, where the bank can do that. */
  async clear(): Promise<void> {
    const { bank } = this.#ways
    if (bank.clear === undefined) return
    await bank.clear()
    for (const id of this.#single.slice(0, BULK)) assert.equal(await bank.read(id), null, `${shown(id)} is gone with the others`)
    this.#payloads.clear()
    await this.#assertListed()
  }

  async #delete(ids: readonly string[]): Promise<void> {
    await this.#each(ids, async (id) => {
      this.#payloads.delete(id)
      assert.equal(await this.#ways.bank.delete(id), true, `${shown(id)} was there to be deleted`)
    })
  }

  async #assertListed(): Promise<void> {
    const { bank } = this.#ways
    if (bank.scan === undefined) return
    const found = new Set<string>()
    for await (const [id, { payload }] of bank.scan()) {
      assert.equal(payload, this.#payloads.get(id), `scan gives ${shown(id)}`)
      found.add(id)
    }
    assert.equal(found.size, this.#payloads.size, 'scan gives as many as there are')
  }

  #entry(payload: string): Entry {
    return { payload, expires: this.#expires }
  }

  async #each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
    const { atOnce } = this.#ways
    for (let start = 0; start < ids.length; start += atOnce) await Promise.all(ids.slice(start, start + atOnce).map(work))
  }
}

function isEven(_item: unknown, index: number): boolean {
  return index % 2 === 0
}

/** An id that is too long to be shown whole is cut. */
export function shown(id: string): string {
  return id.length > 60 ? `${JSON.stringify(id.slice(0, 60))}… of ${id.length}` : JSON.stringify(id)
}
