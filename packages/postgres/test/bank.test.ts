// The contract holds at every isolation level. The levels differ in what transactions do to each other.
import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { ofParallel } from '../../../testing/parts.ts'
import { server as testServer } from '../../../testing/servers/index.js'
import { isMissing, oneServer, opened, sql } from './support.ts'

describe.skipIf(isMissing)('PostgreSQL', () => {
  const server = oneServer()

  for (const level of ['read committed', 'repeatable read', 'serializable']) {
    describe(level, () => {
      const only = level === 'read committed' ? {} : { only: ofParallel }
      const options = { options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` }
      bankConformance(
        { describe, it },
        {
          ...only,
          open: async () => {
            const { another, close } = opened(server.url, { poolOptions: options })
            return { bank: await another(), another, close }
          },
        },
      )
    })
  }
})

const url = testServer('postgresql')['url'] as string | undefined
if (url !== undefined) {
  describe('on the server that POSTGRES_URL names', () => {
    bankConformance(
      { describe, it },
      {
        open: async () => {
          const { table, another, close } = opened(url)
          const closeAndDrop = async (): Promise<void> => {
            await close()
            await sql(url, `drop table if exists "${table.replaceAll('"', '""')}"`)
          }
          return { bank: await another(), another, close: closeAndDrop }
        },
      },
    )
  })
}
