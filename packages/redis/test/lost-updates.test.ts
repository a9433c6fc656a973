import assert from 'node:assert/strict'
import { historyConformance, ownerInHistories, runHistories, throwFailure } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { disturbances } from '../../../testing/disturbances.js'
import { until } from '../../../testing/program.js'
import { type FaultyProxy, startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, RedisStore } from '../src/index.ts'

/** How many histories are disturbed. */
const RUNS = Number(process.env['DISTURBED_RUNS'] ?? 24)

let redis: RedisServer
/** The server keeps what it has acknowledged, also if its process is killed. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always']

describe.skipIf(server('redis').missing)('on Redis', () => {
  beforeAll(async () => {
    redis = await startRedis({ args: durable })
  })
  afterAll(() => redis.stop())

  historyConformance(
    { describe, it },
    {
      rounding: 0,
      owners: true,
      runs: 400,
      open: async (layer) => {
        const stores: DatabankStore[] = []
        const prefix = `histories-${Math.random()}:`
        const open = async () => {
          const store = new DatabankStore({ bank: layer(new RedisBank({ url: redis.url, prefix })), owner: ownerInHistories })
          stores.push(store)
          return store
        }
        const close = async () => void (await Promise.all(stores.map((store) => store.close())))
        return { store: await open(), another: open, close }
      },
    },
  )

  /** Stores behind a proxy, with short time-outs. */
  async function openedBehind(proxy: FaultyProxy) {
    const stores: RedisStore[] = []
    const open = async () => {
      const store = new RedisStore({
        url: `redis://127.0.0.1:${proxy.port}`,
        timeout: 300,
        stallTimeout: 150,
        owner: ownerInHistories,
      })
      stores.push(store)
      return store
    }
    const close = async () => {
      await Promise.all(stores.map((store) => store.close()))
      await proxy.close()
    }
    return { store: await open(), another: open, close }
  }

  it('hold while the network fails, and the server hangs, is killed or restarts', async () => {
    const proxy = await startProxy(redis.port)
    const disturbed = disturbances({ proxy, program: redis.program, survives: ['kill', 'restart'] })
    const open = async () => ({ ...(await openedBehind(proxy)), ...disturbed })
    const report = await runHistories({ calls: 'as they come', owners: true, rounding: 0, runs: RUNS, limit: 30_000, open })
    throwFailure(report)
    assert.ok(report.failed > 0, 'nothing was disturbed')
  }, 120_000)

  it('hold while the server fails over to its replica', async () => {
    const first = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
    const second = await startRedis({ args: ['--replicaof', '127.0.0.1', `${first.port}`] })
    const proxy = await startProxy(first.port)
    let [master, replica] = [first, second]
    let failingOver = Promise.resolve()
    const failOver = async () => {
      await until(async () => (await replica.info('replication')).includes('master_link_status:up'), 'the replica to follow')
      // The replica knows it before its master does.
      await until(async () => (await master.info('replication')).includes('state=online'), 'the master to see its replica')
      // The master itself hands over and loses no acknowledged write. A replica that is promoted by others may lack some.
      await master.admin(['FAILOVER', 'TO', '127.0.0.1', `${replica.port}`])
      await until(async () => (await replica.info('replication')).includes('role:master'), 'the replica to be the master')
      ;[master, replica] = [replica, master]
      proxy.target = master.port
      proxy.cut()
    }
    const disturb = async () => {
      failingOver = failOver()
    }
    const calm = () => failingOver
    try {
      const open = async () => ({ ...(await openedBehind(proxy)), disturb, calm })
      const report = await runHistories({ calls: 'as they come', owners: true, rounding: 0, runs: RUNS / 6, limit: 30_000, open })
      throwFailure(report)
      assert.ok(report.failed > 0, 'nothing was disturbed')
    } finally {
      await Promise.all([first.stop(), second.stop()])
    }
  }, 120_000)
})
