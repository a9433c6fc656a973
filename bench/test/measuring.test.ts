// What the measurements rest on: a distant server, the wait for a store, touches a second apart, and what npm installs.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import session from 'express-session'
import { expect, it } from 'vitest'
import { installed } from '../measuring/installed.js'
import { watchWaits } from '../measuring/waits.js'
import { fill, measure } from '../measuring/workload.js'
import { startDistance } from '../servers/distance.js'

it('a distant server answers after the distance in both directions, and its round trips are counted', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const distance = await startDistance((server.address() as AddressInfo).port, 20)
  const client = connect(distance.port, '127.0.0.1')
  try {
    const start = performance.now()
    for (const text of ['one', 'two', 'three']) {
      client.write(text)
      const [answer] = await once(client, 'data')
      expect(String(answer)).toBe(text)
    }
    expect(performance.now() - start).toBeGreaterThanOrEqual(3 * 40)
    expect(await distance.roundTrips()).toBe(3)
    // What is sent before the answer belongs to the same round trip.
    client.write('four')
    client.write('five')
    let answers = ''
    while (answers !== 'fourfive') answers += String((await once(client, 'data'))[0])
    expect(await distance.roundTrips()).toBe(4)
  } finally {
    client.destroy()
    await distance.stop()
    server.close()
  }
})

it('measures how long calls wait, and passes their arguments, answers and this', async () => {
  const store = {
    data: 'of the store',
    get(sid: string, callback: (error: null, data: string) => void) {
      setTimeout(() => callback(null, `${sid} ${this.data}`), 20)
    },
  }
  const waited = watchWaits(store)
  const answer = await new Promise((resolve) => store.get('a', (...all) => resolve(all)))
  expect(answer).toEqual([null, 'a of the store'])
  expect(waited()).toBeGreaterThanOrEqual(18)
  expect(waited()).toBe(0)
  expect(store).not.toHaveProperty('touch')
})

it('touches each session at least a second later than before', async () => {
  const { now } = Date
  const store = new session.MemoryStore()
  const expiries = new Map<string, number[]>()
  const { touch } = store
  store.touch = (sid, live, callback) => {
    expiries.set(sid, [...(expiries.get(sid) ?? []), live.cookie.expires!.getTime()])
    touch.call(store, sid, live, callback)
  }
  try {
    await fill({ store }, 100, 200)
    await measure({ store }, { operation: 'touch', concurrency: 4, sessions: 100, bytes: 200, milliseconds: 1 })
  } finally {
    Date.now = now
  }
  expect(expiries.size).toBeGreaterThan(10)
  for (const [first, ...others] of expiries.values()) {
    let last = first!
    expect(others.length).toBeGreaterThan(0)
    for (const next of others) {
      expect(next - last).toBeGreaterThanOrEqual(1_000)
      last = next
    }
  }
})

it('counts a package with all that it needs, without what express-session brings', () => {
  expect(installed(['express-session'])).toEqual({ packages: 0, megabytes: 0 })
  const { packages, megabytes } = installed(['@connect-databank/memory'])
  expect(packages).toBe(2)
  expect(megabytes).toBeGreaterThan(0)
  expect(() => installed(['no-such-package'])).toThrow('no-such-package is not installed')
})
