import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { keysOf } from '../src/format.js'
import { newPlace } from './place.ts'

const open = async () => {
  const place = await newPlace()
  const neighbour = place.bank({ path: join(place.folder, 'neighbour.mdb') })
  await neighbour.save('x', { payload: 'mine', expires: null })
  await writeFile(join(place.folder, 'x'), 'mine')
  const outside = async () => [
    (await readdir(place.folder)).filter((name) => !name.startsWith('sessions.mdb')).sort(),
    await neighbour.read('x'),
    await neighbour.count(0),
  ]
  return { bank: place.bank(), outside, close: () => place.remove() }
}

idConformance({ describe, it }, { open })
recordConformance({ describe, it }, { open })

it('50,000 ids have keys of their own', () => assertKeysApart((id) => keysOf(id).record))
