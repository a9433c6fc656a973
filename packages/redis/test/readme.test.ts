// The README's examples for clusters and Sentinel, as printed.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startCluster, startSentinel } from '../../../testing/servers/redis.js'
import type { RedisStore } from '../src/index.ts'
import { get, set } from './requests.ts'

const text = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
const examples = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code!)

interface Example {
  readonly store: RedisStore
  readonly client: { destroy?(): unknown; disconnect(): unknown }
}

/** Runs the one example that holds this text, and uses what it makes. */
async function run(holds: string, env: Record<string, string>): Promise<void> {
  const found = examples.filter((code) => code.includes(holds))
  expect(found).toHaveLength(1)
  const file = join(import.meta.dirname, `example-${process.pid}-${examples.indexOf(found[0]!)}.mjs`)
  await writeFile(file, found[0]!)
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  try {
    const { store, client } = (await import(pathToFileURL(file).href)) as Example
    await store.open()
    expect(await set(store, 'a', { who: 'Ada' })).toMatchObject({ code: undefined })
    expect((await get(store, 'a')).value).toMatchObject({ who: 'Ada' })
    await store.close()
    client.destroy === undefined ? client.disconnect() : client.destroy()
  } finally {
    vi.unstubAllEnvs()
    await rm(file)
  }
}

describe.skipIf(server('redis').missing)('the example for', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let sentinel: Awaited<ReturnType<typeof startSentinel>>
  beforeAll(async () => {
    ;[cluster, sentinel] = await Promise.all([startCluster(), startSentinel()])
  })
  afterAll(() => Promise.all([cluster.stop(), sentinel.stop()]))

  const nodes = () => ({ REDIS_NODES: cluster.masters.map(({ url }) => url).join() })
  const sentinels = () => ({
    REDIS_SENTINELS: sentinel.addresses.map(({ host, port }) => `${host}:${port}`).join(),
    REDIS_MASTER: sentinel.name,
  })

  it('a cluster, with node-redis', () => run('createCluster(', nodes()))
  it('Sentinel, with node-redis', () => run('createSentinel(', sentinels()))
  it('a cluster, with ioredis', () => run('new Cluster(', nodes()))
  it('Sentinel, with ioredis', () => run('new Redis({', sentinels()))
})
