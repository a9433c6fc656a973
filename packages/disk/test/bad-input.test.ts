import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { DiskBank } from '@connect-databank/disk'
import { describe, it } from 'vitest'
import { hashOf } from '../src/layout.ts'
import { filesIn, newFolder } from './kit.ts'

/** Files of others beside the sessions and above them, where `../x`, `../../x` and their like would lead, and one among them. */
const neighbours = ['x', 'inner/x', 'inner/sessions.json', 'inner/sessions2/x', 'inner/sessions/x']

const open = async () => {
  const folder = newFolder()
  const neighbour = new DiskBank({ path: join(folder, 'inner/neighbours') })
  await neighbour.save('x', { payload: 'mine', expires: null })
  await neighbour.close()
  for (const name of neighbours) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), 'mine')
  }
  const isOutside = (name: string) => !name.startsWith('inner/sessions/') || name === 'inner/sessions/x'
  const bank = new DiskBank({ path: join(folder, 'inner/sessions') })
  return {
    bank,
    outside: async () =>
      filesIn(folder)
        .filter(isOutside)
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    close: async () => {
      await bank.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

// A file system that is slow to make files needs longer than the two minutes that are given by default.
idConformance({ describe, it }, { open, time: 300_000 })
recordConformance({ describe, it }, { open })

it('50,000 ids have names of their own, the same for every file system', () => {
  assertKeysApart(hashOf, { isInside: (name) => /^[0-9a-f]{64}$/.test(name) })
})
