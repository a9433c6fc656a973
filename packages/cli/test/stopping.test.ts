// Ctrl-C stops between two sessions, never in the middle of one, and gives the exit code 130.
import { type GatedBank, type GatedMethod, gatedBank } from '@connect-databank/conformance'
import type { Bank } from 'connect-databank'
import { describe, expect, it } from 'vitest'
import { idOf, inMemory, Run, sessionData } from './support.ts'

const OLD = 'a'.repeat(64)
const NEWEST = 'b'.repeat(64)

/** As `Promise.withResolvers`, which Node.js 20 lacks. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((resolvePromise) => {
    resolve = resolvePromise
  })
  return { promise, resolve }
}

/** So many sessions, and a function that runs a command whose calls of the bank wait at a gate. */
async function sessions(count: number, method: GatedMethod, config: object = {}) {
  const gate = deferred<GatedBank>()
  const layer = (bank: Bank): Bank => {
    const gated = gatedBank(bank)
    gated.hold(method)
    gate.resolve(gated)
    return gated
  }
  const memory = inMemory({ layer, config })
  for (let n = 10; n < 10 + count; n++) await memory.store.set(idOf(`session-${n}-`), sessionData({ user: 'ada' }))
  /** Ctrl-C while the first call is under way, which then ends. */
  const interrupted = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const run = new Run(args, { env })
    const bank = await gate.promise
    await bank.held(method)
    run.interrupt()
    bank.releaseAll()
    return run.ended
  }
  return { ...memory, interrupted }
}

describe('Ctrl-C', () => {
  it('ends the session under way, and no more', async () => {
    const { args, interrupted, table } = await sessions(3, 'delete')
    const { code, err } = await interrupted(['end', ...args, '--owner', 'ada'])
    expect({ code, err, left: table.size }).toEqual({ code: 130, err: 'stopped: 1 session ended\n', left: 2 })
  })

  it('ends nothing while ids are looked up', async () => {
    const { args, interrupted, table } = await sessions(3, 'read')
    const { code, err } = await interrupted(['end', ...args, 'session-10', 'session-11'])
    expect({ code, err, left: table.size }).toEqual({ code: 130, err: 'stopped\n', left: 3 })
  })

  it('while a question is asked ends nothing', async () => {
    const { args, table, store } = inMemory()
    await store.set(idOf('a'), sessionData())
    const run = new Run(['end', ...args, '--all'], { columns: 80 })
    await run.said('?')
    run.interrupt()
    expect(await run.ended).toMatchObject({ code: 130 })
    expect(table.size).toBe(1)
  })

  it('leaves each session encrypted with the old key or with the newest', async () => {
    const { args, interrupted, bank, table } = await sessions(40, 'swap', { encryption: { keys: [OLD] } })
    const keyOf = ({ payload }: { payload: string }) => payload.split(':')[1]
    const old = keyOf([...table.values()][0]!)
    const { code, err } = await interrupted(['reencrypt', ...args], { SESSION_ENCRYPTION_KEYS: `${NEWEST},${OLD}` })
    const done = [...table.values()].filter((stored) => keyOf(stored) !== old).length
    expect(code).toBe(130)
    expect(err).toMatch(new RegExp(`^stopped: ${done} sessions? encrypted anew`))
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(40)
    expect(await bank.count?.(Date.now())).toBe(40)
  })

  it('stops a listing', async () => {
    const payload = JSON.stringify(sessionData())
    const layer = () => ({
      read: async () => null,
      save: async () => {},
      delete: async () => false,
      async *scan() {
        for (let n = 0; ; n++) {
          yield [idOf(String(n)), { payload, expires: null }] as const
          await new Promise(setImmediate)
        }
      },
    })
    const { args } = inMemory({ layer })
    for (const command of ['ls', 'count']) {
      const run = new Run([command, ...args])
      setImmediate(() => run.interrupt())
      expect(await run.ended).toMatchObject({ code: 130 })
    }
  })
})
