import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { DiskBank } from '@connect-databank/disk'
import { describe, it } from 'vitest'
import { hashOf } from '../src/layout.ts'
import { newFolder } from './kit.ts'

const open = async () => {
  const folder = newFolder()
  const bank = new DiskBank({ path: join(folder, 'sessions') })
  return {
    bank,
    outside: async () => readdirSync(folder).filter((name) => name !== 'sessions'),
    close: async () => {
      await bank.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

idConformance({ describe, it }, { open, count: 5_000 })
recordConformance({ describe, it }, { open })

it('50,000 ids have names of their own, the same for every file system', () => {
  assertKeysApart(hashOf, { isInside: (name) => /^[0-9a-f]{64}$/.test(name) })
})
