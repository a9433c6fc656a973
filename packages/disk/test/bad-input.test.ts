import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { hashOf } from '../src/layout.ts'
import { filesIn, newDirectory } from './helpers.ts'

/** Foreign files beside the sessions and above them, where ids such as `../x` and `../../x` would lead, and one among them. */
const neighbours = ['x', 'inner/x', 'inner/sessions.json', 'inner/sessions2/x', 'inner/sessions/x']

const open = async () => {
  const directory = newDirectory()
  const neighbour = new DiskBank({ path: join(directory, 'inner/neighbours') })
  await neighbour.save('x', { payload: 'mine', expires: null })
  await neighbour.close()
  for (const name of neighbours) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), 'mine')
  }
  const isOutside = (name: string) => !name.startsWith('inner/sessions/') || name === 'inner/sessions/x'
  const bank = new DiskBank({ path: join(directory, 'inner/sessions') })
  return {
    bank,
    outside: async () =>
      filesIn(directory)
        .filter(isOutside)
        .map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
    close: async () => {
      await bank.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

idConformance({ describe, it }, { open, count: 3_000, time: 600_000 })
recordConformance({ describe, it }, { open, oneIn: 5 })

it('50,000 ids have names of their own, the same for every file system', () => {
  assertKeysApart(hashOf, { isInside: (name) => /^[0-9a-f]{64}$/.test(name) })
})
