import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { keysOf } from '../src/format.js'
import { newPlace } from './place.ts'

const open = async () => {
  const place = await newPlace()
  return {
    bank: place.bank(),
    outside: async () => (await readdir(dirname(place.folder))).filter((name) => name.includes('sessions')),
    close: () => place.remove(),
  }
}

idConformance({ describe, it }, { open })
recordConformance({ describe, it }, { open })

it('50,000 ids have keys of their own', () => assertKeysApart((id) => keysOf(id).record))
