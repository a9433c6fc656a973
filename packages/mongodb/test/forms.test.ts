import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { asJson } from './as-json.ts'
import { limit, openBanks, openStores } from './conformance.ts'
import { onMongodb } from './support.ts'

const { missing, program } = server('mongodb')

/** What a document's form has to do with. Ids, great numbers and connections are the same in all forms. */
const isOfForm = (name: string): boolean =>
  /swap|touch|purge|count|delete|save|expires|death|payload|parallel/.test(name) && !/thousands|many|any id|apart/.test(name)

describe.skipIf(missing ?? program === undefined)('the suites on other forms of documents', () => {
  // No member of a set: a document's form has nothing to do with it, and writes cost half as much.
  const mongodb = onMongodb({ standalone: true })

  describe('where records of connect-databank 1.x may be, too', () => {
    const open = () => openBanks(mongodb.server.url, { readDatabank: true })
    bankConformance({ describe, it }, { open, limit, only: isOfForm })
  })

  describe('as sub-documents', () => {
    // They hold JSON objects only, and the suite's payloads are any text.
    const open = async () => {
      const { bank, another, close } = await openBanks(mongodb.server.url, { native: true })
      return { bank: asJson(bank), another: async () => asJson(await another()), close }
    }
    bankConformance({ describe, it }, { open, limit, only: isOfForm })
    storeConformance({ describe, it }, { open: () => openStores(mongodb.server.url, { native: true }), limit, only: isOfForm })
  })
})
