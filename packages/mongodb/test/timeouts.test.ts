import assert from 'node:assert/strict'
import { type BackendModule, openStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type MongoBankOptions, openBank } from '../src/index.ts'
import { contextWith, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('a server that falls silent', () => {
  const mongodb = onMongodb()

  /** A way to the server that can be silenced. */
  async function proxied() {
    const proxy = await startProxy(mongodb.server.port)
    return { proxy, url: `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true` }
  }

  async function timeOf(work: Promise<unknown>): Promise<{ code: string; took: number }> {
    const start = performance.now()
    const code = await work.then(
      () => 'none',
      (error) => error.code,
    )
    return { code, took: performance.now() - start }
  }

  it('the driver gives up a little before the store, whatever the timeout of the store is', async () => {
    for (const timeout of [400, 1_500]) {
      const { proxy, url } = await proxied()
      const bank = openBank(url, { collectionName: await mongodb.freshCollection() }, contextWith({ timeout }))
      await bank.read('sid')
      proxy.silence()
      const { code, took } = await timeOf(bank.read('sid'))
      assert.match(code, /^DATABANK_(TIMEOUT|UNAVAILABLE)$/)
      // The driver tries a read once more.
      assert.ok(took > timeout * 0.8 && took < timeout * 2.5, `${took} ms of ${timeout}`)
      proxy.cut()
      await bank.close?.()
      await proxy.close()
    }
  })

  it('a store that was opened by a URL waits as long as its option says', async () => {
    const { proxy, url } = await proxied()
    const schemes = { mongodb: () => import('../src/index.ts') as unknown as Promise<BackendModule> }
    const options = { timeout: 500, schemes, collectionName: await mongodb.freshCollection() }
    const store = await openStore<MongoBankOptions>(url, options)
    await store.open()
    proxy.silence()
    const { code, took } = await timeOf(store.get('sid'))
    assert.match(code, /^DATABANK_(TIMEOUT|UNAVAILABLE)$/)
    assert.ok(took < 1_500, `${took} ms`)
    proxy.cut()
    await store.close()
    await proxy.close()
  })
})
