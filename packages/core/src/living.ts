import { type Bank, type Entry, isAlive } from './bank.ts'

/**
 * The entry if it lives. An answer tells of the moment at which the bank looked: a session that lived when it was asked for, and is
 * dead when the answer comes, may have been prolonged in between. Then it is asked for again.
 */
export async function readLiving(bank: Bank, id: string): Promise<Entry | null> {
  for (;;) {
    const askedAt = Date.now()
    const entry = await bank.read(id)
    if (isAlive(entry, Date.now())) return entry
    if (!isAlive(entry, askedAt)) return null
  }
}
