import type { Entry } from 'connect-databank'
import type { MongoBank } from '../src/index.ts'

/** A layer that puts every payload into a JSON object, for a bank that takes nothing else. */
export function asJson(bank: MongoBank): MongoBank {
  const wrap = (payload: string): string => JSON.stringify({ payload })
  const wrapped = ({ payload, expires }: Entry): Entry => ({ payload: wrap(payload), expires })
  const unwrapped = ({ payload, expires }: Entry): Entry => ({ payload: JSON.parse(payload).payload, expires })
  const changed: Partial<MongoBank> = {
    read: async (id) => ifThere(await bank.read(id)),
    save: (id, entry) => bank.save(id, wrapped(entry)),
    swap: (id, expected, entry) => bank.swap(id, expected === null ? null : wrap(expected), wrapped(entry)),
    readMany: async (ids) => (await bank.readMany(ids)).map(ifThere),
    async *scan() {
      for await (const [id, entry] of bank.scan()) yield [id, unwrapped(entry)] as const
    },
  }
  const ifThere = (entry: Entry | null): Entry | null => (entry === null ? null : unwrapped(entry))
  return new Proxy(bank, {
    get(target, name) {
      const method = changed[name as keyof MongoBank] ?? target[name as keyof MongoBank]
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
}
