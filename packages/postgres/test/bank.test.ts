import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { isMissing, oneServer, opened } from './support.ts'

describe.skipIf(isMissing)('PostgreSQL', () => {
  const server = oneServer()

  bankConformance(
    { describe, it },
    {
      open: async () => {
        const { another, close } = opened(server.url)
        return { bank: await another(), another, close }
      },
    },
  )
})
