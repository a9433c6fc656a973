import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { Provoked } from '../src/capture.ts'
import type { Check } from '../src/check.ts'
import { runCheck } from '../src/run.ts'
import { type Runner, register } from '../src/suite.ts'

interface Watched {
  isClosed: boolean
}

const subject = { isClosed: false }
const open = async () => {
  subject.isClosed = false
  return {
    context: subject as Watched,
    missing: (need: string) => (need === 'missing' ? 'there is no missing' : undefined),
    close: async () => {
      subject.isClosed = true
    },
  }
}

const check = (run: () => Promise<void>, ...needs: string[]): Check<Watched> => ({ name: 'name', why: 'why', needs, run })
const run = (body: () => Promise<void>, ...needs: string[]) => runCheck(check(body, ...needs), open, 200)

describe('a check', () => {
  it('passes, and its subject is closed', async () => {
    assert.deepEqual(await run(async () => {}), { name: 'name', why: 'why', outcome: 'passed' })
    assert.ok(subject.isClosed)
  })

  it('fails with its own error, and its subject is closed', async () => {
    const error = new Error('it does not hold')
    assert.deepEqual(await run(() => Promise.reject(error)), { name: 'name', why: 'why', outcome: 'failed', error })
    assert.ok(subject.isClosed)
  })

  it('is skipped if something is missing, with the reason', async () => {
    const grade = await run(() => Promise.reject(new Error('it was run')), 'there', 'missing')
    assert.deepEqual(grade, { name: 'name', why: 'why', outcome: 'skipped', reason: 'there is no missing', missing: ['missing'] })
    assert.ok(subject.isClosed)
  })

  it('fails at its time limit instead of hanging, and its subject is closed', async () => {
    const { outcome, error } = await run(() => new Promise(() => {}))
    assert.equal(outcome, 'failed')
    assert.match(String(error), /did not end within 200 ms/)
    assert.ok(subject.isClosed)
  })

  it('fails if its subject cannot be opened or closed', async () => {
    const cannot = () => Promise.reject(new Error('no server'))
    assert.match(
      String(
        (
          await runCheck(
            check(async () => {}),
            cannot,
            200,
          )
        ).error,
      ),
      /no server/,
    )
    const hangs = async () => ({ ...(await open()), close: () => new Promise<void>(() => {}) })
    assert.match(
      String(
        (
          await runCheck(
            check(async () => {}),
            hangs,
            200,
          )
        ).error,
      ),
      /close did not end/,
    )
    const original = new Error('it does not hold')
    assert.equal(
      (
        await runCheck(
          check(() => Promise.reject(original)),
          hangs,
          200,
        )
      ).error,
      original,
    )
  })

  it('fails for an uncaught exception, and for an unhandled rejection', async () => {
    const before = EVENTS.map((event) => process.listeners(event as 'uncaughtException'))
    const thrown = await run(async () => {
      setImmediate(() => {
        throw new Error('later')
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
    })
    assert.match(String(thrown.error), /uncaught while the check ran: later/)
    const rejected = await run(async () => {
      void Promise.reject(new Error('not handled'))
    })
    assert.match(String(rejected.error), /uncaught while the check ran: not handled/)
    const after = EVENTS.map((event) => process.listeners(event as 'uncaughtException'))
    assert.deepEqual(after, before, 'the listeners of the test runner were not restored')
  })

  it('passes if the uncaught exception was thrown on purpose', async () => {
    const { outcome } = await run(async () => {
      setImmediate(() => {
        throw new Provoked('on purpose')
      })
      void Promise.reject(new Provoked('on purpose'))
      await new Promise((resolve) => setTimeout(resolve, 5))
    })
    assert.equal(outcome, 'passed')
  })
})

const EVENTS = ['uncaughtException', 'unhandledRejection']

describe('a runner', () => {
  const bodies = new Map<string, (...args: unknown[]) => Promise<void>>()
  const runner: Runner = {
    describe: (_name, body) => body(),
    it: (name, body) => bodies.set(name, body),
  }
  const checks: Check<Watched>[] = [
    { name: 'holds', why: '', needs: [], run: async () => {} },
    { name: 'does not hold', why: '', needs: [], run: () => Promise.reject(new Error('it does not hold')) },
    { name: 'cannot be run', why: '', needs: ['missing'], run: () => Promise.reject(new Error('it was run')) },
  ]
  beforeEach(() => register(runner, 'title', checks, open, { limit: 200 }))
  afterEach(() => bodies.clear())

  it('gets every check, or those that were asked for', () => {
    assert.deepEqual([...bodies.keys()], ['holds', 'does not hold', 'cannot be run'])
    bodies.clear()
    register(runner, 'title', checks, open, { only: (name) => name === 'holds' })
    assert.deepEqual([...bodies.keys()], ['holds'])
  })

  it('gets a failure as a rejection', async () => {
    await bodies.get('holds')!()
    await assert.rejects(bodies.get('does not hold')!(), /it does not hold/)
  })

  it('with a context as the argument skips by it, with the reason', async () => {
    const reasons: unknown[] = []
    await bodies.get('cannot be run')!({ skip: (reason: unknown) => reasons.push(reason) })
    assert.deepEqual(reasons, ['there is no missing'])
  })

  it('with a context as `this` skips by it, and waits long enough', async () => {
    let timeout = 0
    const context = {
      timeout: (milliseconds: number) => {
        timeout = milliseconds
      },
      skip: () => {
        throw new Error('this is how mocha skips')
      },
    }
    await assert.rejects(bodies.get('cannot be run')!.call(context), /this is how mocha skips/)
    assert.ok(timeout > 200)
  })

  it('cannot take a parameter of a test for a callback', () => {
    for (const body of bodies.values()) assert.equal(body.length, 0)
  })

  it('without a context gets an error that names what is lacking', async () => {
    await assert.rejects(bodies.get('cannot be run')!(), /there is no missing.*pass lacks: \['missing'\]/)
  })

  it('gets a check of what is lacking as a skipped test', () => {
    const skipped: string[] = []
    const it = Object.assign(runner.it, { skip: (name: string) => skipped.push(name) })
    bodies.clear()
    register({ describe: runner.describe, it }, 'title', checks, open, { lacks: ['missing'] })
    assert.deepEqual([...bodies.keys()], ['holds', 'does not hold'])
    assert.deepEqual(skipped, ['cannot be run'])
  })
})
