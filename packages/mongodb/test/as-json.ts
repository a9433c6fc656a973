import { type Bank, type Entry, extend, type Stored } from 'connect-databank/backend'

/** A layer that puts every payload into a JSON object: a sub-document holds nothing else. */
export function asJson(bank: Bank & Required<Pick<Bank, 'swap' | 'readMany' | 'scan'>>): Bank {
  const wrap = (payload: string): string => JSON.stringify({ payload })
  const wrapped = (entry: Entry): Entry => ({ ...entry, payload: wrap(entry.payload) })
  const unwrapped = (stored: Stored): Stored => ({ ...stored, payload: JSON.parse(stored.payload).payload })
  const unwrappedIfAny = (stored: Stored | null): Stored | null => (stored === null ? null : unwrapped(stored))
  return extend(bank, {
    read: async (id) => unwrappedIfAny(await bank.read(id)),
    save: (id, entry) => bank.save(id, wrapped(entry)),
    async swap(id, expected, entry, now) {
      const version = await bank.swap(id, expected === null ? null : wrap(expected), wrapped(entry), now)
      return version === null ? null : entry.payload
    },
    readMany: async (ids) => (await bank.readMany(ids)).map(unwrappedIfAny),
    async *scan() {
      for await (const [id, stored] of bank.scan()) yield [id, unwrapped(stored)] as const
    },
  })
}
