// A session is prolonged shortly before it would die, while an answer is on its way that says when it would have died.
import { gatedBank } from '@connect-databank/conformance'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import { Client, dataOf, minute, sessionData } from './kit.ts'

describe('a session that was prolonged in time lives on', () => {
  const start = Date.parse('2026-01-01T00:00:00Z')
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
  afterEach(() => void vi.useRealTimers())

  const opened = async () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(place))]
    await fast.set('sid', sessionData({ n: 1 }, minute))
    vi.setSystemTime(start + minute - 10)
    return { gated, slow, fast, bank: new ReferenceBank(place) }
  }

  it('for a request whose read was answered when its first death had come', async () => {
    const { gated, slow, bank } = await opened()
    gated.hold('read')
    const reading = slow.get('sid')
    const held = await gated.held('read')
    await held.perform()
    await bank.touch('sid', start + 60 * minute)
    vi.setSystemTime(start + minute + 10)
    gated.letGo()
    await held.release()
    expect(dataOf(await reading)).toEqual({ n: 1 })
  })

  it('for a save that meets another’s: it is not dropped', async () => {
    const { gated, slow, fast, bank } = await opened()
    const [late, early] = [await slow.load('sid'), await fast.load('sid')]
    early['early'] = 1
    await fast.set('sid', early)
    gated.hold('read')
    late['late'] = 1
    const saving = slow.set('sid', late)
    const held = await gated.held('read')
    await held.perform()
    await bank.touch('sid', start + 60 * minute)
    vi.setSystemTime(start + minute + 10)
    gated.letGo()
    await held.release()
    await saving
    expect(dataOf(await fast.get('sid'))).toEqual({ n: 1, early: 1, late: 1 })
  })
})

describe('a session that has died', () => {
  it('is asked for once, when it has died long before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const gated = gatedBank(new ReferenceBank())
      const client = new Client(gated)
      await client.set('sid', sessionData({}, minute))
      vi.setSystemTime(Date.now() + 2 * minute)
      expect(await client.get('sid')).toBeNull()
      expect(gated.calls('read')).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })
})
