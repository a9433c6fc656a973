// The grading of stores whose processes end, hang, or throw uncaught errors.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gradeInProcesses } from '../grade/grade-store.js'
import { count, markdown } from '../grade/markdown.js'

const module = join(import.meta.dirname, 'faulty-stores.js')
const location = { folder: '', url: '' }

const CHECKS = {
  get: 'get returns the data that was set',
  missing: 'get of a missing session calls back with null or undefined, and no error',
  destroy: 'destroy removes the session and no other',
  clear: 'clear deletes all sessions, and the store can be used afterwards',
}

function graded(name: string, checks: readonly string[], silence = 60_000) {
  return gradeInProcesses({ module, name, location }, checks, { limit: 10_000, silence })
}

describe('a store that is graded', () => {
  it('passes, fails and lacks checks independently', async () => {
    const results = await graded('forgetful', Object.values(CHECKS))
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'passed', 'failed', 'skipped'])
    expect(results[0]?.reason).toBe('the session is missing')
    expect(results[3]?.reason).toBe('there is no clear')
    expect(count(results)).toEqual({ passed: 1, failed: 2, skipped: 1 })
  })

  it('fails the checks in which it ends the process, and no other', async () => {
    const results = await graded('ends the process at destroy', [CHECKS.get, CHECKS.destroy, CHECKS.missing])
    expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'failed', 'passed'])
    expect(results[1]?.reason).toContain('the process ended with 7')
  })

  it('fails the check in which it blocks the event loop', async () => {
    const results = await graded('blocks the event loop at destroy', [CHECKS.get, CHECKS.destroy, CHECKS.missing], 5_000)
    expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'failed', 'passed'])
    expect(results[1]?.reason).toContain('nothing came from the process for 5000 ms')
  })

  it('fails the check in which it throws an uncaught error', async () => {
    const results = await graded('throws after a destroy', [CHECKS.destroy, CHECKS.missing])
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'passed'])
    expect(results[0]?.reason).toBe('uncaught while the check ran: late')
  })

  it('is left out if it cannot be opened', async () => {
    await expect(graded('cannot be had', [CHECKS.get])).rejects.toThrow(/cannot be had cannot be opened.*no such driver/)
  })
})

describe('the table', () => {
  const checks = [
    { name: 'one | thing', why: 'sense' },
    { name: 'another', why: 'README: `a <= b`, not <b>' },
  ]
  const passed = { name: 'one | thing', outcome: 'passed', reason: '' } as const
  const failed = { name: 'another', outcome: 'failed', reason: 'it `broke`\nhere' } as const
  const column = { versions: 'b 1.0.0', server: 'Redis 7', settings: '`sweep: 1`', note: '', ours: false }
  const text = markdown(
    [
      { ...column, name: 'b', results: [passed, failed] },
      { ...column, name: 'c', ours: true, note: 'c is slow.', results: [passed] },
      { ...column, name: 'd', missing: 'there is no server', results: [] },
    ],
    checks,
    { date: '2026-01-02', node: '20.19.0' },
  )

  it('has totals, a row for each check, the failures and the sources', () => {
    expect(text).toContain('| b | 1 | 1 | 2 | b 1.0.0 | Redis 7 | `sweep: 1` |')
    expect(text).toContain('| **c** | 1 | 0 | 1 |')
    expect(text).toContain('\nc is slow.\n')
    expect(text).toContain('Left out: d, because there is no server.')
    expect(text).toContain('| one \\| thing | [1](#sources) | ✓ | ✓ |')
    expect(text).toContain('| another | [2](#sources) | ✗ | – |')
    expect(text).toContain('* another: `it ’broke’`')
    expect(text).toContain('2. README: `a <= b`, not &lt;b>')
  })
})
