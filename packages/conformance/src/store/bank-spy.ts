import { type Bank, extend, type Layer } from 'connect-databank/backend'
import { Skipped } from '../check.ts'

/** Records the data that a store passes to its bank. */
export class BankSpy {
  #bank: Bank | undefined
  /** All ids that the bank was given. */
  readonly ids = new Set<string>()
  /** All payloads and owners that the bank was given. */
  readonly texts: string[] = []
  /** How many entries were read. */
  reads = 0

  readonly layer: Layer = (bank) => {
    this.#bank = bank
    const store = (id: string, { payload, owner }: { payload: string; owner?: string | null }): void => {
      this.ids.add(id)
      this.texts.push(payload, ...(owner == null ? [] : [owner]))
    }
    const { swap, touch } = bank
    return extend(bank, {
      read: (id) => {
        this.ids.add(id)
        this.reads++
        return bank.read(id)
      },
      save: (id, entry) => {
        store(id, entry)
        return bank.save(id, entry)
      },
      delete: (id) => {
        this.ids.add(id)
        return bank.delete(id)
      },
      swap:
        swap &&
        ((id, expected, entry, now) => {
          store(id, entry)
          return swap.call(bank, id, expected, entry, now)
        }),
      touch:
        touch &&
        ((id, expires, now) => {
          this.ids.add(id)
          return touch.call(bank, id, expires, now)
        }),
    })
  }

  /** The bank, below the store's own layers. */
  get bank(): Bank {
    if (this.#bank === undefined) throw new Skipped('the store puts no layer on its bank')
    return this.#bank
  }
}
