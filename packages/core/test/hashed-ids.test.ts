import type { GatedMethod } from '@connect-databank/conformance'
import type { SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import { Client, dataOf, gatedBank, ReferenceBank, sessionData } from './helpers.ts'

const owner = (session: SessionData) => (session as SessionData & { user?: string }).user
const hashIds = { acceptPlain: true }
const ada = { user: 'ada' }

/** Two processes with hashed ids, on storage that has a session under its plain id. */
async function processes() {
  const table: ConstructorParameters<typeof ReferenceBank>[0] = new Map()
  await new Client(new ReferenceBank(table), { owner }).set('sid', sessionData(ada))
  const open = () => {
    const bank = gatedBank(new ReferenceBank(table))
    return { bank, client: new Client(bank, { owner, hashIds }) }
  }
  return [open(), open()] as const
}

type Process = Awaited<ReturnType<typeof processes>>[number]

/** Runs the work. Its first call of the method is performed, then comes what happens meanwhile, and only then its answer. */
async function meanwhile<T>({ bank }: Process, method: GatedMethod, work: () => Promise<T>, happens: () => Promise<unknown>) {
  bank.hold(method)
  const working = work()
  const call = await bank.held(method)
  await call.perform()
  await happens()
  bank.releaseAll()
  await call.release()
  return working
}

describe('a session under its plain id, with acceptPlain,', () => {
  it('is found by all requests that come first', async () => {
    const [{ client }] = await processes()
    const found = await Promise.all([1, 2, 3].map(() => client.get('sid')))
    expect(found.map(dataOf)).toEqual([ada, ada, ada])
  })

  it('is found by a process while another one moves it', async () => {
    const [first, second] = await processes()
    const found = await meanwhile(
      first,
      'read',
      () => first.client.get('sid'),
      () => second.client.get('sid'),
    )
    expect(dataOf(found)).toEqual(ada)
  })

  it('stays ended if another process moves it while it is ended', async () => {
    const [first, second] = await processes()
    await meanwhile(
      first,
      'delete',
      () => first.client.destroy('sid'),
      () => second.client.get('sid'),
    )
    expect(await second.client.get('sid')).toBeNull()
  })

  it('is changed by update', async () => {
    const [{ client }] = await processes()
    await client.store.update('sid', (session) => void Object.assign(session, { n: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ ...ada, n: 1 })
  })

  it('is kept by destroySessionsOf as `except`', async () => {
    const [{ client }] = await processes()
    await client.set('other', sessionData(ada))
    expect(await client.store.destroySessionsOf('ada', { except: 'sid' })).toBe(1)
    expect(dataOf(await client.get('sid'))).toEqual(ada)
  })

  it('is ended by destroySessionsOf, if a request moves it meanwhile', async () => {
    const [first] = await processes()
    await meanwhile(
      first,
      'readMany',
      () => first.client.store.destroySessionsOf('ada'),
      async () => expect(await first.client.get('sid')).not.toBeNull(),
    )
    expect(await first.client.get('sid')).toBeNull()
  })
})

it('who has read a stored id cannot use it, with acceptPlain', async () => {
  const client = new Client(new ReferenceBank(), { hashIds })
  await client.set('the secret id', sessionData(ada))
  const ids: string[] = []
  for await (const [id] of client.store.entries()) ids.push(id)
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  expect(await client.get(ids[0]!)).toBeNull()
  await client.destroy(ids[0]!)
  expect(dataOf(await client.get('the secret id'))).toEqual(ada)
})
