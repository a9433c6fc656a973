import { idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { isMissing, oneServer, opened, sql } from './support.ts'

describe.skipIf(isMissing)('on PostgreSQL', () => {
  const server = oneServer()

  const open = async () => {
    await sql(
      server.url,
      'create table if not exists neighbour (mine boolean)',
      'delete from neighbour',
      'insert into neighbour values (true)',
    )
    const { another, close } = opened(server.url)
    return { bank: await another(), another, outside: () => sql(server.url, 'select * from neighbour'), close }
  }

  idConformance({ describe, it }, { open, count: 2_000 })
  recordConformance({ describe, it }, { open, oneIn: 5 })
})
