import { randomUUID } from 'node:crypto'

/** The same address with this database in it. */
export function within(url: string, database: string): string {
  const [, start, parameters = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]*)\/?[^?]*\??(.*)$/.exec(url) ?? []
  // The administrator's credentials are stored in another database.
  const source = /@/.test(start ?? '') && !/authSource=/i.test(parameters) ? 'authSource=admin' : ''
  return `${start}/${database}?${[parameters, source].filter(Boolean).join('&')}`
}

/** The name of a collection that no other test uses. */
export function freshName(): string {
  return `sessions-${randomUUID().slice(0, 8)}`
}
