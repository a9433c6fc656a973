import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbBank, type LmdbBankOptions } from '@connect-databank/lmdb'
import type { Tables } from '../src/environment.js'

/** A folder of its own for environments, and the banks that were opened there. */
export async function newPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'connect-databank-lmdb-'))
  const path = join(folder, 'sessions.mdb')
  const banks: LmdbBank[] = []
  return {
    folder,
    path,
    bank: (options: Partial<LmdbBankOptions> = {}) => {
      const bank = new LmdbBank({ path, ...options })
      banks.push(bank)
      return bank
    },
    remove: async () => {
      await Promise.all(banks.map((bank) => bank.close()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type Place = Awaited<ReturnType<typeof newPlace>>

export async function closeTables({ root, room, gate }: Tables): Promise<void> {
  await root.close()
  room.close()
  gate.close()
}
