import type { Bank } from 'connect-databank/backend'
import { type Examiner, isLocalHost, type Subject } from './examination.ts'
import { type Finding, messageOf, ok, warn } from './finding.ts'

/** Only the facts that the bank itself can report. The settings of a bucket need a service that the store does not need. */
export const couchbase: Examiner = {
  async *examine(subject, bank) {
    await bank.open?.()
    yield ok('connection', 'the bucket answers')
    yield await lookAtServer(bank)
    yield lookAtTls(subject)
    yield lookAtDurability(subject)
    yield await lookAtListing(bank, String(subject.options['bucket'] ?? 'default'))
  },
}

/** No version counts as too old, because the tests run on a stand-in. */
async function lookAtServer(bank: Bank): Promise<Finding> {
  const { server } = await bank.describe!()
  return ok('server', /\d/.test(server) ? server : `${server}; only a query service knows its version`)
}

function lookAtTls({ url }: Subject): Finding {
  if (/^couchbases:/i.test(url)) return ok('TLS', 'the connection is encrypted')
  const [, host = ''] = /^\w+:\/\/(?:[^@/]*@)?([^/:,?]*)/.exec(url) ?? []
  if (isLocalHost(host)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions and the password cross the network in plain text', 'couchbases://…')
}

function lookAtDurability({ options }: Subject): Finding {
  const durability = String(options['durability'] ?? 'none')
  if (durability !== 'none') return ok('durability', durability)
  return warn('durability', 'none: a failover can bring back what was logged out', `durability: 'majority'`)
}

async function lookAtListing(bank: Bank, bucket: string): Promise<Finding> {
  try {
    for await (const _ of bank.scan!()) break
    return ok('listing', 'the query service can list sessions')
  } catch (error) {
    return warn('listing', `sessions cannot be listed: ${messageOf(error)}`, `CREATE PRIMARY INDEX ON \`${bucket}\``)
  }
}
