import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { historyConformance, ownerInHistories, runHistories, throwFailure } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { coalesce } from 'connect-databank/backend'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { MongoBank } from '../src/index.ts'
import { freshName } from './address.ts'
import { contextWith, strictClient } from './support.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('on MongoDB', () => {
  let mongodb: Awaited<ReturnType<typeof startMongodb>>
  beforeAll(async () => {
    mongodb = await startMongodb()
  })
  afterAll(() => mongodb?.stop())

  historyConformance(
    { describe, it },
    {
      owners: true,
      rounding: 0,
      runs: 100,
      // The stand-in for MongoDB may need a second for a thousand operations.
      atOnce: 64,
      limit: 30_000,
      time: 180_000,
      open: async (layer) => {
        const collectionName = freshName()
        const stores: DatabankStore[] = []
        const open = async () => {
          const url = `${mongodb.url}directConnection=true`
          const bank = new MongoBank({ url, collectionName }, contextWith({ timeout: 30_000 }))
          const store = new DatabankStore({ bank: layer(coalesce(bank)), timeout: 30_000, owner: ownerInHistories })
          stores.push(store)
          return store
        }
        const close = async () => void (await Promise.all(stores.map((store) => store.close())))
        return { store: await open(), another: open, close }
      },
    },
  )

  it('hold while the network fails, and the server is frozen, killed or restarted', async () => {
    const proxy = await startProxy(mongodb.port)
    const { met: _, ...disturbed } = disturbances({ proxy, program: mongodb.program, survives: ['kill', 'restart'] })
    const report = await runHistories({
      calls: 'as they come',
      owners: true,
      rounding: 0,
      runs: Number(process.env['DISTURBED_RUNS'] ?? 15),
      limit: 30_000,
      open: async () => {
        const stores: DatabankStore[] = []
        const collectionName = freshName()
        // Without the journal, acknowledged writes may be lost when the server is killed.
        const writeConcern = { w: 'majority', j: true }
        const clients: ReturnType<typeof strictClient>[] = []
        const open = async () => {
          const client = strictClient(`mongodb://127.0.0.1:${proxy.port}/disturbed?directConnection=true`, 360)
          clients.push(client)
          const bank = new MongoBank({ client, collectionName, writeConcern }, contextWith({ timeout: 400 }))
          const store = new DatabankStore({ bank: coalesce(bank), timeout: 500, owner: ownerInHistories })
          stores.push(store)
          return store
        }
        const close = async () => {
          // The driver says goodbye to a server that was just disturbed, which may take longer than these short time-outs.
          await Promise.allSettled(stores.map((store) => store.close()))
          await Promise.race([Promise.allSettled(clients.map((client) => client.close())), pause(1_000)])
          await proxy.close()
        }
        return { store: await open(), another: open, ...disturbed, close }
      },
    })
    throwFailure(report)
    assert.ok(report.failed > 0, 'nothing was disturbed')
  }, 180_000)
})
