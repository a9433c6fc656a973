// Clients of the application while a server fails and another takes over: all kinds of clients at the same time.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startCluster, startRedis, startSentinel } from '../../../testing/servers/redis.js'
import { RedisStore } from '../src/index.ts'
import { type Connected, clusterClients, sentinelClients, singleClients } from './clients.ts'
import { all, get, set, works } from './requests.ts'

const TIMEOUT = 1_500
/** The store's time-out may come late, and the machine may be busy. */
const WITHIN = TIMEOUT + 1_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A store on each kind of client. */
async function opened<Target>(
  clients: Readonly<Record<string, (target: Target) => Promise<Connected>>>,
  target: Target,
): Promise<[name: string, store: RedisStore][]> {
  return Promise.all(
    Object.entries(clients).map(async ([name, connect]) => {
      const { client, close } = await connect(target)
      const store = new RedisStore({ client, timeout: TIMEOUT, prefix: `${name}:` })
      ends.push(close, () => store.close())
      await store.open()
      return [name, store] as [string, RedisStore]
    }),
  )
}

/** Asserts that every operation of every store ends in time, with a result or a coded error. */
async function assertEndsInTime(stores: readonly [string, RedisStore][]): Promise<void> {
  const outcomes = await Promise.all(stores.map(async ([name, store]) => [name, await all(store, 'a')] as const))
  for (const [name, results] of outcomes) {
    for (const { code, milliseconds } of results) {
      expect([undefined, 'DATABANK_UNAVAILABLE', 'DATABANK_TIMEOUT'], name).toContain(code)
      expect(milliseconds, name).toBeLessThan(WITHIN)
    }
  }
}

describe.skipIf(server('redis').missing)('clients of a single server', () => {
  it('work when the server has restarted, and when it no longer hangs', async () => {
    const redis = await startRedis()
    ends.push(() => redis.stop())
    const stores = await opened(singleClients, redis.port)
    await redis.program.stop()
    await assertEndsInTime(stores)
    await redis.program.start()
    // These clients wait as long as their own strategy says: up to 2 seconds between two attempts.
    await Promise.all(stores.map(([, store]) => works(store, 5_000)))
    redis.program.freeze()
    await assertEndsInTime(stores)
    redis.program.thaw()
    await Promise.all(stores.map(([, store]) => works(store)))
  })

  it('that are not connected yet reject with DATABANK_UNAVAILABLE', async () => {
    const { createClient } = await import('redis')
    const store = new RedisStore({ client: createClient(), timeout: TIMEOUT })
    await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    expect((await get(store, 'a')).code).toBe('DATABANK_UNAVAILABLE')
  })
})

describe.skipIf(server('redis').missing)('clients of a cluster', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster({ nodeTimeout: 500 })
  })
  afterAll(() => cluster.stop())

  const sids = Array.from({ length: 30 }, (_, index) => `sid ${index}`)

  for (const [failure, fail] of [
    ['is killed', (master: RedisServer) => master.program.kill()],
    ['hangs', (master: RedisServer) => master.program.freeze()],
  ] as const) {
    it(`work when a master ${failure}`, async () => {
      const stores = await opened(
        clusterClients,
        cluster.nodes.map(({ port }) => port),
      )
      for (const [, store] of stores) for (const sid of sids) expect((await set(store, sid, { sid })).code).toBeUndefined()
      const nth = failure === 'is killed' ? 0 : 2
      const [failed, witness, successor] = [cluster.masters[nth]!, cluster.masters[1]!, cluster.replicas[nth]!]
      const size = async (node: RedisServer) => Number(await node.admin(['DBSIZE']))
      // A master acknowledges a write before its replica has it.
      await until(async () => (await size(successor)) === (await size(failed)), 'the replica to have it all')
      fail(failed)
      await assertEndsInTime(stores)
      const isWhole = async () => String(await witness.admin(['CLUSTER', 'INFO'])).includes('cluster_state:ok')
      const hasNewMaster = async () => (await witness.admin(['CLUSTER', 'NODES'])) as string
      await until(async () => new RegExp(`:${failed.port}@.* master,fail`).test(await hasNewMaster()), 'the loss to be noticed')
      await until(isWhole, 'a replica to take over')
      await Promise.all(stores.map(([name, store]) => until(() => finds(store, sids), `${name} to find all`, 3_000)))
      for (const [, store] of stores) expect((await set(store, sids[0]!, { again: true })).code).toBeUndefined()
      await failed.program.restart()
      await until(async () => (await failed.info('replication')).includes('master_link_status:up'), 'the failed one to follow')
    })
  }
})

/** Whether every request is answered, and every session is there. */
async function finds(store: RedisStore, sids: readonly string[]): Promise<boolean> {
  const found = await Promise.all(sids.map((sid) => get(store, sid)))
  if (found.some(({ code }) => code !== undefined)) return false
  for (const [index, { value }] of found.entries()) expect(value).toMatchObject({ sid: sids[index] })
  return true
}

describe.skipIf(server('redis').missing)('clients of servers under Sentinel', () => {
  it('work when the master has failed and the replica took over', async () => {
    const sentinel = await startSentinel()
    ends.push(() => sentinel.stop())
    const stores = await opened(sentinelClients, sentinel)
    for (const [, store] of stores) expect((await set(store, 'kept', { who: 'Ada' })).code).toBeUndefined()
    await until(
      async () => (await sentinel.replica.info('keyspace')).includes(`keys=${stores.length}`),
      'the replica to have it all',
    )
    await sentinel.master.program.stop()
    await assertEndsInTime(stores)
    await until(async () => (await sentinel.replica.info('replication')).includes('role:master'), 'the failover')
    await Promise.all(stores.map(([, store]) => works(store, 4_000)))
    for (const [name, store] of stores) expect((await get(store, 'kept')).value, name).toMatchObject({ who: 'Ada' })
  })
})
