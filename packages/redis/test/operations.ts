// Every operation of a bank once: what is sent by each client, and what it makes of the replies.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'vitest'
import type { RedisBank } from '../src/index.ts'
import { listed } from './requests.ts'

const HOUR = 3_600_000

/** Uses every reply that the bank reads. */
export async function assertWorks(bank: RedisBank): Promise<void> {
  const entry = { payload: 'text', expires: Date.now() + HOUR, owner: 'ada' }
  await bank.clear()
  const version = (await bank.swap('a', null, entry))!
  expect(await bank.swap('a', null, entry)).toBe(null)
  const next = await bank.swap('a', version, { ...entry, payload: 'next' })
  expect(next).not.toBe(null)
  expect(await bank.swap('a', version, entry)).toBe(null)
  await bank.touch('a', entry.expires + 1)
  const stored = { ...entry, payload: 'next', expires: entry.expires + 1, version: next }
  // A client writes in the next `setImmediate`. Timers that are due by then come before.
  await nextTurn()
  const reading = bank.read('a')
  for (const end = performance.now() + 5; performance.now() < end; );
  expect(await reading).toEqual(stored)
  expect(await bank.readMany(['a', 'b'])).toEqual([stored, null])
  expect(await listed(bank.scan())).toEqual([['a', stored]])
  expect(await listed(bank.idsOf('ada'))).toEqual(['a'])
  expect(await bank.count(Date.now())).toBe(1)
  expect(await bank.count(entry.expires + 1)).toBe(0)
  expect(await bank.purge(entry.expires + 1)).toBe(1)
  await bank.save('a', entry)
  expect(await bank.delete('a')).toBe(true)
  expect(await bank.delete('a')).toBe(false)
}
