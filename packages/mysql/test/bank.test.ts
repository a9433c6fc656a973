import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { kinds, oneServer, opened } from './support.ts'

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(kind.name, () => {
    const server = oneServer(kind)
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
}
