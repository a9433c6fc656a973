import { CouchbaseBank, CouchbaseStore } from '@connect-databank/couchbase'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusingPort } from '../../../testing/program.js'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { contextWith, entry, missing, nextPrefix } from './support.ts'
import { Wire } from './wire.ts'

describe.skipIf(missing)('waits', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(() => mock?.stop())

  async function timeOf(work: Promise<unknown>): Promise<{ code: string; took: number }> {
    const start = performance.now()
    const code = await work.then(
      () => 'none',
      (error) => error.code,
    )
    return { code, took: performance.now() - start }
  }

  it('for an answer are two fifths of the timeout of the store, whatever that is', async () => {
    for (const timeout of [1_000, 4_000]) {
      const wire = await new Wire(mock.port).listen()
      const login = { url: wire.url, username: 'user', password: 'password', prefix: nextPrefix(), connectTimeout: 25_000 }
      const bank = new CouchbaseBank(login, contextWith({ timeout }))
      await bank.save('a', entry('1'))
      wire.onAnswer.set('get', () => null)
      const { code, took } = await timeOf(bank.read('a'))
      expect(code).toBe('DATABANK_TIMEOUT')
      expect(took).toBeGreaterThan(timeout * 0.35)
      expect(took).toBeLessThan(timeout)
      await bank.close()
      await wire.close()
    }
  })

  it('for a connection are four fifths of the timeout of the store, whatever that is', async () => {
    const { port } = await refusingPort()
    const url = `couchbase://127.0.0.1:${port}`
    for (const timeout of [1_000, 3_000]) {
      const store = new CouchbaseStore({ url, username: 'user', password: 'password', timeout })
      const { code, took } = await timeOf(store.get('a'))
      expect(code).toBe('DATABANK_UNAVAILABLE')
      expect(took).toBeLessThan(timeout + 500)
      await store.close()
    }
  })

  it('are for no more operations than maxPending', async () => {
    const wire = await new Wire(mock.port).listen()
    const login = { url: wire.url, username: 'user', password: 'password', prefix: nextPrefix(), connectTimeout: 25_000 }
    const bank = new CouchbaseBank({ ...login, maxPending: 3 }, contextWith({ timeout: 2_000 }))
    await bank.save('a', entry('1'))
    wire.onAnswer.set('get', () => null)
    const waiting = [1, 2, 3].map((at) => bank.read(`a${at}`).catch((error) => error.code))
    await expect(bank.read('one too many')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: /maxPending/ })
    expect(await Promise.all(waiting)).toEqual(new Array(3).fill('DATABANK_TIMEOUT'))
    wire.onAnswer.delete('get')
    expect(await bank.read('a')).toMatchObject({ payload: '1' })
    await bank.close()
    await wire.close()
  })
})
