// What core makes of what a bank has. The work is counted in round trips of one millisecond, not measured.
import { describe, expect, it } from 'vitest'
import type { Bank, Stored } from '../src/bank.ts'
import { CONCURRENCY } from '../src/fallbacks.ts'
import { DatabankStore } from '../src/store.ts'
import { sessionData } from './helpers.ts'

const TTL = 60_000

/** A bank of three methods and a scan. Each operation takes one millisecond, which passes when nothing else is left to do. */
class DistantBank implements Bank {
  readonly entries = new Map<string, Stored>()
  milliseconds = 0
  inFlight = 0
  mostInFlight = 0
  #waiting: (() => void)[] = []

  async #operation<T>(run: () => T): Promise<T> {
    this.inFlight++
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    if (this.#waiting.length === 0) setImmediate(() => this.#pass())
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.inFlight--
    return run()
  }

  #pass(): void {
    this.milliseconds++
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  read(id: string): Promise<Stored | null> {
    return this.#operation(() => this.entries.get(id) ?? null)
  }

  save(id: string, entry: Stored): Promise<void> {
    return this.#operation(() => void this.entries.set(id, entry))
  }

  delete(id: string): Promise<boolean> {
    return this.#operation(() => this.entries.delete(id))
  }

  async *scan(): AsyncGenerator<readonly [string, Stored]> {
    yield* [...this.entries]
  }
}

function bankWith(count: number, expires: number): DistantBank {
  const bank = new DistantBank()
  const payload = JSON.stringify(sessionData())
  for (let index = 0; index < count; index++) bank.entries.set(`id${index}`, { payload, expires })
  return bank
}

describe('on a bank of three methods and a scan, with one millisecond for each operation', () => {
  it('cleanup deletes 20,000 expired sessions within 3,000 ms, a bounded number at once', async () => {
    const bank = bankWith(20_000, Date.now() - 1)
    await new DatabankStore({ bank }).cleanup()
    expect(bank.entries.size).toBe(0)
    expect(bank.milliseconds).toBeLessThan(3_000)
    expect(bank.mostInFlight).toBeGreaterThan(1)
    expect(bank.mostInFlight).toBeLessThanOrEqual(CONCURRENCY)
  })

  it('clear ends 60,000 sessions within 5,000 ms, a bounded number at once', async () => {
    const bank = bankWith(60_000, Date.now() + TTL)
    await new DatabankStore({ bank }).clear()
    expect(bank.entries.size).toBe(0)
    expect(bank.milliseconds).toBeLessThan(5_000)
    expect(bank.mostInFlight).toBeLessThanOrEqual(CONCURRENCY)
  })

  it('destroySessionsOf ends the 2,000 sessions of an owner within 100 ms, a bounded number at once', async () => {
    const bank = bankWith(2_000, Date.now() + TTL)
    const store = new DatabankStore({ bank, owner: () => 'ada' })
    expect(await store.destroySessionsOf('ada')).toBe(2_000)
    expect(bank.entries.size).toBe(0)
    expect(bank.milliseconds).toBeLessThan(100)
    expect(bank.mostInFlight).toBeLessThanOrEqual(CONCURRENCY)
  })

  it('length counts what all returns', async () => {
    const bank = bankWith(10, Date.now() + TTL)
    bank.entries.set('expired', { payload: JSON.stringify(sessionData()), expires: Date.now() - 1 })
    bank.entries.set('no session', { payload: '{}', expires: null })
    const store = new DatabankStore({ bank })
    expect([await store.length(), (await store.all()).length]).toEqual([10, 10])
  })

  it('the event loop runs while many sessions are cleaned up', async () => {
    const bank = bankWith(20_000, Date.now() + TTL)
    let turns = 0
    const count = (): void => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    // Nothing has expired, so that no operation lets others run.
    await new DatabankStore({ bank }).cleanup()
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(0)
    expect(bank.milliseconds).toBe(0)
  })
})
