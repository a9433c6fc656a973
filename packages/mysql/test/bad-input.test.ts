import { idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { kinds, oneServer, opened, sql } from './support.ts'

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`on ${kind.name}`, () => {
    const server = oneServer(kind)

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
}
