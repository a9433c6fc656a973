import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { server as testServer } from '../../../testing/servers/index.js'
import { kinds, oneServer, opened, quote, sql } from './support.ts'

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

for (const name of ['mysql', 'mariadb']) {
  const url = testServer(name)['url'] as string | undefined
  if (url === undefined) continue
  describe(`on the server that ${name.toUpperCase()}_URL names`, () => {
    bankConformance(
      { describe, it },
      {
        open: async () => {
          const { table, another, close } = opened(url)
          const closeAndDrop = async (): Promise<void> => {
            await close()
            await sql(url, `drop table if exists ${quote(table)}`)
          }
          return { bank: await another(), another, close: closeAndDrop }
        },
      },
    )
  })
}
