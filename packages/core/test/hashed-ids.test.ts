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

describe('a session under its plain id, with acceptPlain,', () => {
  it('is found by all requests that come first', async () => {
    const [{ client }] = await processes()
    const found = await Promise.all([1, 2, 3].map(() => client.get('sid')))
    expect(found.map(dataOf)).toEqual([ada, ada, ada])
  })

  it('is found by a process while another one moves it', async () => {
    const [first, second] = await processes()
    first.bank.hold('read')
    const getting = first.client.get('sid')
    const read = await first.bank.held('read')
    await read.perform()
    await second.client.get('sid')
    first.bank.releaseAll()
    await read.release()
    expect(dataOf(await getting)).toEqual(ada)
  })

  it('stays ended if another process moves it while it is ended', async () => {
    const [first, second] = await processes()
    first.bank.hold('delete')
    const ending = first.client.destroy('sid')
    const deletion = await first.bank.held('delete')
    await deletion.perform()
    await second.client.get('sid')
    first.bank.releaseAll()
    await deletion.release()
    await ending
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
    const [{ bank, client }] = await processes()
    bank.hold('readMany')
    const ending = client.store.destroySessionsOf('ada')
    const read = await bank.held('readMany')
    await read.perform()
    expect(await client.get('sid')).not.toBeNull()
    bank.releaseAll()
    await read.release()
    await ending
    expect(await client.get('sid')).toBeNull()
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
