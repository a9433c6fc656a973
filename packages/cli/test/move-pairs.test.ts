import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DatabankStore, openBank, openStore } from 'connect-databank'
import type { Bank } from 'connect-databank/backend'
import type { SessionData } from 'express-session'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backends, type Location, missing, type Started } from '../../../testing/backends.js'
import { type MoveProgress, type MoveResult, move } from '../src/move/index.ts'
import { HOUR, liveIn } from './move-support.ts'

/** Couchbase is left out: its stand-in cannot list sessions. */
const NAMES = ['memory', 'disk', 'sqlite', 'redis', 'mongodb', 'postgres', 'mysql']
const chosen = backends.filter(({ name }) => NAMES.includes(name))
const available = chosen.filter((backend) => missing(backend) === undefined)
const SESSIONS = 8
/** How many rounds of the move the writer works beside. */
const BUSY_ROUNDS = 3

const started = new Map<string, Started>()

beforeAll(async () => {
  await Promise.all(available.map(async (backend) => started.set(backend.name, await backend.start())))
})
afterAll(async () => {
  await Promise.all([...started.values()].map((each) => each.stop()))
})

const storeOptions = { owner: (session: SessionData) => (session as { user?: string }).user, absoluteTimeout: 24 * HOUR }
type Numbered = SessionData & { user: string; n: number }

/** The sessions of one side: as the application has them, and as the move has them. */
interface Place {
  readonly store: DatabankStore
  readonly bank: Bank
  close(): Promise<void>
}

async function place(name: string): Promise<Place> {
  const backend = available.find((each) => each.name === name)!
  const { url, options }: Location = backend.location(started.get(name)!)
  if (name === 'memory') {
    const bank = await openBank(url)
    const store = await openStore<object>('kept:', { ...storeOptions, schemes: { kept: async () => ({ openBank: () => bank }) } })
    return { store, bank, close: () => store.close() }
  }
  const [store, bank] = [await openStore<object>(url, { ...storeOptions, ...options }), await openBank<object>(url, options)]
  return { store, bank, close: async () => void (await Promise.all([store.close(), bank.close?.()])) }
}

function newSession(n: number): Numbered {
  const cookie = { originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR + n), httpOnly: true, path: '/' }
  return { cookie, user: `user ${n % 3}`, n } as unknown as Numbered
}

/** Changes sessions until it is stopped: a login, a logout, a change, a touch. */
async function write({ store }: Place, until: () => boolean): Promise<void> {
  const ids = Array.from({ length: SESSIONS }, (_, n) => `session ${n}`)
  for (let n = SESSIONS; !until(); n++) {
    await store.set(`session ${n}`, newSession(n))
    ids.push(`session ${n}`)
    await store.destroy(ids.shift()!)
    await store.update(ids[n % SESSIONS]!, (session) => Object.assign(session, { n }))
    const [id, touched] = [ids[(n * 5) % SESSIONS]!, await store.get(ids[(n * 5) % SESSIONS]!)]
    touched!.cookie.expires = new Date(Date.now() + 2 * HOUR + n)
    await store.touch(id, touched!)
    await nextTurn()
  }
}

/** Moves with `watch`, runs the writer beside it, then `afterwards` when both are equal, and switches the application. */
async function moveWhileWriting(from: Place, to: Place, afterwards: () => Promise<void>): Promise<MoveResult> {
  let progress: MoveProgress | undefined
  const writing = write(from, () => (progress?.round ?? 0) >= BUSY_ROUNDS)
  let quietFrom = Number.POSITIVE_INFINITY
  let checking: Promise<void> | undefined
  const stop = new AbortController()
  void writing.then(
    () => {
      quietFrom = progress!.round + 2
    },
    () => stop.abort(),
  )
  const moving = move(from.bank, to.bank, {
    watch: true,
    interval: 0,
    quietTime: 0,
    signal: stop.signal,
    onProgress: (now) => {
      progress = now
      if (now.phase === 'following' && now.isEqual && now.round >= quietFrom) {
        checking ??= afterwards().catch((error) => {
          stop.abort()
          throw error
        })
      }
    },
  })
  const result = await moving
  await Promise.all([writing, checking])
  return result
}

/** The numbers of sessions have no meaning: the texts must be the same. */
async function comparable(bank: Bank): Promise<unknown> {
  const live = await liveIn(bank)
  return Object.entries(live).map(([id, { payload, expires, owner }]) => ({ id, payload, expires, owner }))
}

describe.each(NAMES)('from %s', (source) => {
  const targets = NAMES.filter((target) => target !== source)
  test.for(targets)('to %s, while the application writes on the source', async (target, { skip }) => {
    for (const backend of chosen) {
      const reason = [source, target].includes(backend.name) ? missing(backend) : undefined
      if (reason !== undefined) skip(reason)
    }
    const [from, to] = await Promise.all([place(source), place(target)])
    try {
      for (let n = 0; n < SESSIONS; n++) await from.store.set(`session ${n}`, newSession(n))
      let onSource: unknown
      let onTarget: unknown
      let [changed, ended] = ['', '']
      const result = await moveWhileWriting(from, to, async () => {
        ;[onSource, onTarget] = [await comparable(from.bank), await comparable(to.bank)]
        // The application is switched: it changes one session, and ends one.
        ;[changed, ended] = Object.keys(await liveIn(to.bank)) as [string, string]
        await to.store.destroy(ended)
        await to.store.update(changed, (session) => Object.assign(session, { n: 'target' }))
      })
      expect(onTarget).toEqual(onSource)
      expect(onSource).toHaveLength(SESSIONS)
      expect(result).toMatchObject({ isEqual: true, isTargetUsed: true, differing: 0, refused: 0 })
      expect(await to.store.get(changed)).toMatchObject({ n: 'target' })
      expect(await to.store.get(ended)).toBeNull()
      expect(await to.store.length()).toBe(SESSIONS - 1)
    } finally {
      await Promise.all([from.close(), to.close()])
    }
  })
})
