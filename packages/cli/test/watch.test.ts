// watch: how many sessions are live, and what changes.
import { describe, expect, it } from 'vitest'
import { changesBetween, look, Rates } from '../src/activity.ts'
import type { Session } from '../src/sessions.ts'
import { idOf, inMemory, Run, sessionData } from './support.ts'

const lookAt = (...sessions: [id: string, owner: string | null][]) =>
  look(
    (async function* () {
      for (const [id, owner] of sessions) yield { id, owner } as Session
    })(),
  )

describe('between two looks', () => {
  it('new and gone sessions are logins and ends, where no session has an owner', async () => {
    const before = await lookAt(['a', null], ['b', null])
    const after = await lookAt(['b', null], ['c', null], ['d', null])
    expect(after.live).toBe(3)
    expect(changesBetween(before, after)).toEqual({ logins: 2, ends: 1 })
    expect(changesBetween(after, after)).toEqual({ logins: 0, ends: 0 })
  })

  it('only sessions with an owner count as logins and ends, where there are any', async () => {
    const before = await lookAt(['a', null], ['b', 'bob'], ['c', null])
    const after = await lookAt(['a', 'ada'], ['d', null])
    expect(changesBetween(before, after)).toEqual({ logins: 1, ends: 1 })
  })

  it('many sessions are compared one by one', async () => {
    const ids = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n): [string, null] => [String(from + n), null])
    expect(changesBetween(await lookAt(...ids(0, 5_000)), await lookAt(...ids(100, 5_300)))).toEqual({ logins: 300, ends: 100 })
  })
})

it('rates are those of the last minute', () => {
  const rates = new Rates()
  expect(rates.perMinute()).toBeNull()
  rates.add(0, 30_000, { logins: 1, ends: 3 })
  expect(rates.perMinute()).toEqual({ logins: 2, ends: 6 })
  rates.add(30_000, 60_000, { logins: 1, ends: 0 })
  expect(rates.perMinute()).toEqual({ logins: 2, ends: 3 })
  rates.add(60_000, 90_000, { logins: 10, ends: 0 })
  expect(rates.perMinute()).toEqual({ logins: 11, ends: 0 })
})

describe('watch', () => {
  it('prints a line for each look where there is no terminal, until Ctrl-C', async () => {
    const { args, store } = inMemory()
    await store.set(idOf('a'), sessionData({ user: 'ada' }))
    const run = new Run(['watch', ...args, '--interval', '1'])
    await run.printed()
    await store.set(idOf('b'), sessionData({ user: 'bob' }))
    await run.printed()
    run.interrupt()
    const { code, lines } = await run.ended
    expect(code).toBe(130)
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\dZ {2}1 live {2}- logins\/min {2}- ends\/min$/)
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\dZ {2}2 live {2}\d+ logins\/min {2}0 ends\/min$/)
  })

  it.each([40, 80])('prints over one line of a terminal with %i columns', async (columns) => {
    const { args } = inMemory()
    const run = new Run(['watch', ...args], { columns })
    expect(await run.printed()).toMatch(/^\r[^\r\n]*$/)
    run.interrupt()
    const { out } = await run.ended
    expect(out).toHaveLength(columns - 1 + 2)
    expect(out).toMatch(/^\r(\d\d:\d\d:\d\dZ {2})?0 live {2}- logins\/min {2}- ends\/min *\n$/)
  })

  it.each(['86401', '2147484', '99999999999'])('refuses an interval of %s seconds', async (interval) => {
    const run = new Run(['watch', ...inMemory().args, '--interval', interval])
    // Else it would go on without an end.
    const stopped = setTimeout(() => run.interrupt(), 2_000)
    const { code, err } = await run.ended
    clearTimeout(stopped)
    expect({ code, err }).toEqual({
      code: 2,
      err: `connect-databank: --interval ${interval} is too long: at most 86,400 seconds, a day\n`,
    })
  })

  it('takes an interval of a day', async () => {
    const run = new Run(['watch', ...inMemory().args, '--interval', '86400'])
    await run.printed()
    run.interrupt()
    expect(await run.ended).toMatchObject({ code: 130, err: '' })
  })
})
