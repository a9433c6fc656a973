// The summary that `npm test` prints.
import { describe, expect, it } from 'vitest'
import type { FileResult, TestResult } from '../npm-test/reporter.js'
import { lines, summarize } from '../npm-test/summary.js'
import { line, sum } from '../totals.js'

const passed = (name: string): TestResult => ({ name, state: 'passed' })
const failed = (name: string): TestResult => ({ name, state: 'failed' })
const skipped = (name: string, note?: string): TestResult => ({ name, state: 'skipped', ...(note && { note }) })

function file(project: string, name: string, seconds: number, tests: TestResult[], hasFailed = false): FileResult {
  return { project, file: `packages/${project}/test/${name}.test.ts`, milliseconds: seconds * 1000, hasFailed, tests }
}

const redis = { packageName: 'redis', title: 'Redis', isOptional: false, version: 'Redis 7' }
const valkey = { packageName: 'redis', title: 'Valkey', isOptional: false, missing: 'no apt-get' }
const circumstances = { servers: { redis, valkey }, hasChromium: false, env: {} }

function summaryOf(files: FileResult[], unhandledErrors = 0, env = {}) {
  return summarize({ files, unhandledErrors }, { ...circumstances, env })
}

describe('the summary', () => {
  it('counts each package, and names the longest files first', () => {
    const { projects, longest } = summaryOf([
      file('redis', 'bank', 61, [passed('a'), failed('b')], true),
      file('core', 'store', 2, [passed('c')]),
      file('redis', 'faults', 9, [passed('d')]),
    ])
    expect(projects).toEqual([
      { name: 'core', passed: 1, failed: 0, skipped: 0, milliseconds: 2_000 },
      { name: 'redis', passed: 2, failed: 1, skipped: 0, milliseconds: 70_000 },
    ])
    expect(longest.map((each) => each.file)).toEqual([
      'packages/redis/test/bank.test.ts',
      'packages/redis/test/faults.test.ts',
      'packages/core/test/store.test.ts',
    ])
    expect(line(sum(projects))).toBe('3 passed, 1 failed, 0 skipped')
  })

  it('counts a file that cannot be loaded, and errors outside of tests, as failures', () => {
    const { projects } = summaryOf([file('core', 'broken', 0, [], true)], 2)
    expect(sum(projects)).toMatchObject({ failed: 3 })
  })

  it('lists why tests were left out, and how many', () => {
    const { leftOut } = summaryOf([
      file('redis', 'bank', 1, [
        skipped('Valkey > reads'),
        skipped('Valkey > writes'),
        skipped('Redis > scans', 'there is no scan'),
      ]),
      file('demo', 'browser', 1, [skipped('the demo in Chromium > logs in')]),
      file('demo', 'backends', 1, [skipped('the demo on Valkey > logs in')]),
      file('disk', 'limits', 1, [skipped('a full disk')]),
    ])
    expect([...leftOut]).toEqual([
      ['no Valkey: no apt-get', 3],
      ['redis: there is no scan', 1],
      ['no Chromium: the demo is tested over HTTP alone', 1],
      ['packages/disk/test/limits.test.ts, by its own condition', 1],
    ])
  })

  it('does not count tests for a server of the user’s whose variable is not set', () => {
    const files = [file('mongodb', 'bank', 1, [skipped('MongoDB at MONGODB_URL > reads'), passed('other')])]
    expect(sum(summaryOf(files).projects)).toEqual({ passed: 1, failed: 0, skipped: 0 })
    expect(sum(summaryOf(files, 0, { MONGODB_URL: 'mongodb://db' }).projects)).toMatchObject({ skipped: 1 })
  })

  it('is printed as a table', () => {
    const summary = summaryOf([file('redis', 'bank', 61.4, [passed('a'), skipped('Valkey > b')])])
    expect(lines(summary)).toEqual([
      'package    passed    failed  left out   seconds',
      'redis           1         0         1        61',
      '',
      'left out:',
      '     1  no Valkey: no apt-get',
      '',
      'the longest files, in seconds:',
      '    61  packages/redis/test/bank.test.ts',
    ])
  })
})
