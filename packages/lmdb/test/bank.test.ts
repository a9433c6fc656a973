import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bankConformance } from '@connect-databank/conformance'
import { LmdbBank } from '@connect-databank/lmdb'
import { describe, it } from 'vitest'

bankConformance(
  { describe, it },
  {
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'connect-databank-lmdb-'))
      const path = join(folder, 'sessions.mdb')
      const banks: LmdbBank[] = []
      const open = async () => {
        const bank = new LmdbBank({ path })
        banks.push(bank)
        return bank
      }
      return {
        bank: await open(),
        another: open,
        close: async () => {
          for (const bank of banks) await bank.close()
          await rm(folder, { recursive: true, force: true })
        },
      }
    },
  },
)
