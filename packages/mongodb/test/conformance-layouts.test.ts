import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { asJson } from './as-json.ts'
import { limit, openBanks, openStores } from './suites.ts'
import { onMongodb } from './support.ts'

const { missing, program } = server('mongodb')

/** What depends on the layout of a document. Ids, great numbers and connections are the same in all layouts. */
const dependsOnLayout = (name: string): boolean =>
  /swap|touch|purge|count|delete|save|expires|payload|owner|version|parallel/.test(name) &&
  !/thousands|hundreds|many|any id|apart|never swaps|increments/.test(name)

describe.skipIf(missing ?? program === undefined)('the suites on other layouts of documents', () => {
  // A standalone server: the layout does not depend on that, and writes cost half as much.
  const mongodb = onMongodb({ standalone: true })

  describe('where documents of connect-databank 1.x may be as well', () => {
    const open = () => openBanks(mongodb.server.url, { readDatabank: true, ttlIndex: false })
    bankConformance({ describe, it }, { open, limit, only: dependsOnLayout })
  })

  describe('as sub-documents', () => {
    const open = async () => {
      const { bank, another, close } = await openBanks(mongodb.server.url, { native: true, ttlIndex: false })
      return { bank: asJson(bank), another: async () => asJson(await another()), close }
    }
    bankConformance({ describe, it }, { open, limit, only: dependsOnLayout })
    const openNative = () => openStores(mongodb.server.url, { native: true })
    storeConformance({ describe, it }, { open: openNative, limit, only: dependsOnLayout, rounding: 0 })
  })
})
