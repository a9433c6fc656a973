import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CouchbaseBank, CouchbaseStore, openBank } from '@connect-databank/couchbase'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { refusingPort } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { couchbaseError } from '../src/errors.ts'
import { entry, missing } from './support.ts'

const withCode = (code: string, message = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) })

describe.skipIf(missing)('a server that fails', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(() => mock?.stop())

  it('is not there: DATABANK_UNAVAILABLE, within the timeout of the store', async () => {
    const { port } = await refusingPort()
    const store = new CouchbaseStore({
      url: `couchbase://127.0.0.1:${port}`,
      username: 'user',
      password: 'password',
      timeout: 5_000,
    })
    const error = await new Promise((resolve) => store.get('a', resolve))
    expect(error).toEqual(withCode('DATABANK_UNAVAILABLE'))
    await store.close()
  })

  it('has no such bucket: an error that names it', async () => {
    const bank = openBank(mock.url.replace(/default$/, 'nowhere'))
    await expect(bank.open?.()).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /bucket/))
    await bank.close?.()
  })

  it('freezes: DATABANK_TIMEOUT, until it continues', async () => {
    const own = await startCouchbase()
    const bank = openBank(own.url, { operationTimeout: 500 })
    try {
      await bank.save('a', entry('1'))
      own.program.freeze()
      // The signal takes a moment to reach all of its threads.
      const codeOfRead = () => bank.read('a').then(String, (error) => error.code)
      await expect.poll(codeOfRead, { timeout: 10_000 }).toBe('DATABANK_TIMEOUT')
      await expect(bank.save('a', entry('2'))).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
      own.program.thaw()
      await expect.poll(codeOfRead, { timeout: 10_000 }).toBe('[object Object]')
      await own.stop()
      await expect(bank.read('a')).rejects.toEqual(
        expect.objectContaining({ code: expect.stringMatching(/^DATABANK_(TIMEOUT|UNAVAILABLE)$/) }),
      )
    } finally {
      await bank.close?.()
      await own.stop()
    }
  })

  it('is killed: errors, and no cached document is taken for stored when it is back and empty', async () => {
    const own = await startCouchbase()
    const proxy = await startProxy(own.port, { isAnnounced: true })
    const url = own.url.replace(`:${own.port}/`, `:${proxy.port}/`)
    const bank = new CouchbaseBank({ url, operationTimeout: 1_000 })
    try {
      let version = ''
      const save = async (): Promise<void> => {
        version = await bank.save('a', entry('1'))
      }
      await expect.poll(() => save().then(String, (error) => error.code), { timeout: 20_000 }).toBe('undefined')
      await own.program.stop()
      const away = expect.objectContaining({ code: expect.stringMatching(/^DATABANK_(TIMEOUT|UNAVAILABLE)$/) })
      const operations = [
        bank.read('a'),
        bank.save('a', entry('2')),
        bank.swap('a', version, entry('2'), Date.now()),
        bank.delete('a'),
      ]
      for (const outcome of await Promise.allSettled(operations))
        expect(outcome).toMatchObject({ status: 'rejected', reason: away })
      proxy.target = await own.restart()
      await expect.poll(() => bank.read('a').then(String, (error) => error.code), { timeout: 20_000 }).toBe('null')
      expect(await bank.swap('a', version, entry('2'), Date.now())).toBeNull()
      expect(await bank.swap('a', null, entry('3'), Date.now())).toEqual(expect.any(String))
      expect(await bank.read('a')).toMatchObject({ payload: '3' })
    } finally {
      await bank.close()
      await proxy.close()
      await own.stop()
    }
  })

  it('is used no more by a bank that was closed: DATABANK_CLOSED', async () => {
    const bank = openBank(mock.url)
    await bank.open?.()
    const writes = [1, 2, 3].map((at) => bank.save(`closing ${at}`, entry('x')))
    await Promise.all([bank.close?.(), ...writes])
    await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_CLOSED'))
    await bank.close?.()
  })

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'EPIPE'])('with %s: DATABANK_UNAVAILABLE', (code) => {
    expect(couchbaseError(Object.assign(new Error('of the network'), { code })).code).toBe('DATABANK_UNAVAILABLE')
  })

  it('has a name that is not found: DATABANK_UNAVAILABLE', async () => {
    const bank = openBank('couchbase://user:password@nowhere.invalid/default', { connectTimeout: 2_000 })
    await expect(bank.open?.()).rejects.toEqual(withCode('DATABANK_UNAVAILABLE'))
    await bank.close?.()
  })

  describe('a process', () => {
    let program: Awaited<ReturnType<typeof bundle>>
    beforeAll(async () => {
      program = await bundle({ process: fileURLToPath(new URL('./process.ts', import.meta.url)) })
    })
    afterAll(() => program.remove())

    it.each(['closes', 'fails', 'frozen'])('that %s ends by itself', async (what) => {
      const own = await startCouchbase()
      const { port } = await refusingPort()
      const url = what === 'fails' ? `couchbase://user:password@127.0.0.1:${port}/default` : own.url
      try {
        const child = spawn(process.execPath, [join(program.folder, 'process.js'), url], {
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        })
        const ended = once(child, 'exit')
        await once(child, 'message')
        if (what === 'frozen') own.program.freeze()
        child.send('go')
        expect(await ended).toEqual([0, null])
      } finally {
        await own.stop()
      }
    })
  })
})
