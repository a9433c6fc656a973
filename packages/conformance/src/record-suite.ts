import assert from 'node:assert/strict'
import { type Bank, isCoded } from 'connect-databank/backend'
import { App, type Visitor } from './app.ts'
import type { OpenedBank } from './bank-suite.ts'
import { capture } from './capture.ts'
import { type BadRecord, badRecords } from './records.ts'
import type { Runner } from './suite.ts'

/** What the suite of bad records is given. */
export interface RecordSuiteOptions {
  readonly open: () => Promise<OpenedBank>
  /** The longest record that the database takes, in bytes. Default: no bound. */
  readonly largest?: number
  /** Takes one in so many of the records, for slow servers. Default: 1, all. */
  readonly oneIn?: number
  /** How long it may take, in milliseconds. Default: 60,000. */
  readonly time?: number
}

/**
 * Tells a test runner that records which no store has written cost their owner a session at most: it counts as missing or fails
 * with an error, either is logged, and nobody else is any the worse.
 */
export function recordConformance(
  { describe, it }: Runner,
  { open, largest, oneIn = 1, time = 60_000 }: RecordSuiteOptions,
): void {
  const records = badRecords(largest).filter((_, index) => index % oneIn === 0)
  describe('bad records', () => {
    it('cost their owner a session at most, and nobody else anything', () => meetAll(open, records), time)
  })
}

async function meetAll(open: () => Promise<OpenedBank>, records: readonly BadRecord[]): Promise<void> {
  const { DatabankStore } = await import('connect-databank')
  const opened = await open()
  const reports: string[] = []
  const tell = (...report: unknown[]): void => void reports.push(report.map(String).join(' '))
  const log = { debug: () => {}, info: tell, warn: tell, error: tell }
  const store = new DatabankStore({ bank: opened.bank, log, cleanupInterval: null })
  const app = await App.listen(store, { rolling: true })
  try {
    const others = app.visitor()
    await others.request(({ session }) => void Object.assign(session, { visits: 0 }))
    let visits = 0
    for (const record of records) {
      const isStored = await meet(record, app, opened.bank, reports)
      if (!isStored) continue
      assert.deepEqual(Object.keys(Object.prototype), [], `${record.name} has polluted all objects`)
      assert.equal(await visit(others), ++visits, `the next visitor, after ${record.name}`)
    }
    assert.ok(visits > records.length / 2, 'most records could be stored')
  } finally {
    await app.close()
    await store.close()
    await opened.close()
  }
}

/** A visitor comes whose record has become this one. Answers whether the bank could store it at all. */
async function meet({ name, payload }: BadRecord, app: App, bank: Bank, reports: string[]): Promise<boolean> {
  const visitor = app.visitor()
  const sid = await visitor.request(({ session, sessionID }) => {
    session['fresh'] = true
    return sessionID
  })
  try {
    await bank.save(sid, { payload, expires: Date.now() + 3_600_000 })
  } catch (error) {
    assert.ok(isCoded(error), `${name} was refused without a code: ${String(error)}`)
    await bank.delete(sid)
    return false
  }
  reports.length = 0
  const { result, uncaught } = await capture(() =>
    visitor
      .request(({ session, sessionID }) => {
        session['visited'] = true
        return { isNew: sessionID !== sid }
      })
      .catch((error: Error) => ({ error })),
  )
  assert.deepEqual(uncaught, [], `${name} was thrown to nobody`)
  if ('error' in result) assert.notEqual(result.error.message, '', `${name} fails with an error that says why`)
  else if (result.isNew) assert.equal(reports.length, 1, `${name} counts as missing, and that is logged: ${reports}`)
  await bank.delete(sid)
  return true
}

async function visit(visitor: Visitor): Promise<number> {
  return visitor.request(({ session }) => {
    session['visits'] = Number(session['visits']) + 1
    return session['visits'] as number
  })
}
