import assert from 'node:assert/strict'
import { DatabankStore } from 'connect-databank'
import { type Bank, isCoded } from 'connect-databank/backend'
import { App, type Visitor } from './app.ts'
import type { OpenedBank } from './bank-suite.ts'
import { capture } from './capture.ts'
import { type BadRecord, badRecords } from './records.ts'
import type { Runner } from './suite.ts'

/** Options of the suite of bad records. */
export interface RecordSuiteOptions {
  readonly open: () => Promise<OpenedBank>
  /** The length of the longest record that the database takes, in bytes. Default: no limit. */
  readonly largest?: number
  /** Uses one of this many records, the last and largest included. Default: 1, all records. */
  readonly oneIn?: number
  /** How long a test may take, in milliseconds. Default: 60,000. */
  readonly time?: number
}

/** Records longer than this, in bytes, are left out where many are stored at the same time. */
const SHORT = 10_000

/**
 * Registers tests with records that no store has written: damaged and foreign ones. Each may end its user's session: it counts as missing
 * or causes an error, and is logged. Other sessions are still found and listed.
 */
export function recordConformance(
  { describe, it }: Runner,
  { open, largest, oneIn = 1, time = 60_000 }: RecordSuiteOptions,
): void {
  const records = badRecords(largest).filter((_, index, all) => (all.length - 1 - index) % oneIn === 0)
  describe('bad records', () => {
    it('cost their users a session at most', () => withStore(open, (context) => visitAll(context, records)), time)
    it(
      'hide no other session from lists, and do not make them fail',
      () => withStore(open, (context) => listAll(context, records)),
      time,
    )
  })
}

interface Context {
  readonly bank: Bank
  readonly store: DatabankStore
  readonly app: App
  /** The store's log records, except those for debugging. */
  readonly log: string[]
}

async function withStore(open: () => Promise<OpenedBank>, run: (context: Context) => Promise<void>): Promise<void> {
  const opened = await open()
  const log: string[] = []
  const write = (...record: unknown[]): void => void log.push(record.map(String).join(' '))
  const logger = { debug: () => {}, info: write, warn: write, error: write }
  const store = new DatabankStore({ bank: opened.bank, log: logger, cleanupInterval: null })
  const app = await App.listen(store, { rolling: true })
  try {
    await run({ bank: opened.bank, store, app, log })
  } finally {
    await app.close()
    await store.close()
    await opened.close()
  }
}

async function visitAll(context: Context, records: readonly BadRecord[]): Promise<void> {
  const other = context.app.visitor()
  await other.request(({ session }) => void Object.assign(session, { visits: 0 }))
  let visits = 0
  for (const record of records) {
    const isStored = await visitWith(record, context)
    if (!isStored) continue
    assert.deepEqual(Object.keys(Object.prototype), [], `${record.name} has polluted all objects`)
    assert.equal(await visit(other), ++visits, `another visitor, after ${record.name}`)
  }
  assert.ok(visits > records.length / 2, 'most records could be stored')
}

/** A visitor's session is replaced by the record, and the visitor comes again. Returns whether the bank could store the record. */
async function visitWith({ name, payload }: BadRecord, { app, bank, log }: Context): Promise<boolean> {
  const visitor = app.visitor()
  const sid = await visitor.request(({ session, sessionID }) => {
    session['new'] = true
    return sessionID
  })
  if (!(await canSave(bank, sid, { name, payload }))) {
    await bank.delete(sid)
    return false
  }
  log.length = 0
  const { result, uncaught } = await capture(() =>
    visitor
      .request(({ session, sessionID }) => {
        session['visited'] = true
        return { isNew: sessionID !== sid }
      })
      .catch((error: Error) => ({ error })),
  )
  assert.deepEqual(uncaught, [], `${name} caused an uncaught error`)
  if ('error' in result) assert.notEqual(result.error.message, '', `${name} fails with an error without a message`)
  else if (result.isNew) assert.equal(log.length, 1, `${name} counts as missing, and is not logged once: ${log}`)
  await bank.delete(sid)
  return true
}

/** All short records are stored at the same time, among sessions that must be listed. */
async function listAll({ bank, store, app }: Context, records: readonly BadRecord[]): Promise<void> {
  const visitors = Array.from({ length: 10 }, () => app.visitor())
  for (const [index, visitor] of visitors.entries()) {
    await visitor.request(({ session }) => void Object.assign(session, { good: index }))
  }
  for (const [index, record] of records.filter(({ payload }) => payload.length < SHORT).entries()) {
    await canSave(bank, `bad-${index}`, record)
  }
  if (bank.scan !== undefined) {
    assert.deepEqual(goodOf(await store.all()), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'all')
    const entries: unknown[] = []
    for await (const [, session] of store.entries()) entries.push(session)
    assert.deepEqual(goodOf(entries), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'entries')
    assert.ok((await store.length()) >= visitors.length, 'length')
  }
  if (bank.purge !== undefined || bank.scan !== undefined) await store.cleanup()
  for (const [index, visitor] of visitors.entries()) assert.equal(await goodSeenBy(visitor), index, 'after the clean-up')
  if (bank.clear === undefined && bank.scan === undefined) return
  await store.clear()
  for (const visitor of visitors) assert.equal(await goodSeenBy(visitor), undefined, 'after clear')
}

/** Saves the record. Returns whether the bank could. If not, its error must have a code. */
async function canSave(bank: Bank, id: string, { name, payload }: BadRecord): Promise<boolean> {
  try {
    await bank.save(id, { payload, expires: Date.now() + 3_600_000 })
    return true
  } catch (error) {
    assert.ok(isCoded(error), `${name} was refused without a code: ${String(error)}`)
    return false
  }
}

function goodOf(sessions: readonly unknown[]): number[] {
  const good = sessions.map((session) => (session as { good?: number }).good).filter((index) => index !== undefined)
  return good.sort((first, second) => first - second)
}

async function goodSeenBy(visitor: Visitor): Promise<unknown> {
  return visitor.request(({ session }) => session['good'])
}

async function visit(visitor: Visitor): Promise<number> {
  return visitor.request(({ session }) => {
    session['visits'] = Number(session['visits']) + 1
    return session['visits'] as number
  })
}
