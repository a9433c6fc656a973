/**
 * `doctor`: connects to a store's database, and reports problems. It only reads: it creates no table, index, file or folder, and it
 * deletes nothing. If a right for a check is missing, it says so.
 *
 * Depending on the database, it checks: the version; latency of reads; the clock; rights that are missing or needlessly wide; TLS;
 * eviction and persistence (Redis); TTL index, write concern (MongoDB); table, indexes, collation, time zone (SQL); modes and file
 * system (files, SQLite); the first 1,000 records: corrupt, not encrypted, encrypted with another key, expired and not deleted.
 *
 * Rights are queried, never tried: on Redis inside MULTI, which is then discarded. A store with a `client` or `pool` instead of a URL is
 * examined by its URL.
 */

import { type OpenOptions, openBank, type StoreOptions } from 'connect-databank'
import { type Bank, checkEncryption, DatabankError, DEFAULT_CONTEXT, isCoded, splitOptions } from 'connect-databank/backend'
import { backendOf } from '../urls.ts'
import type { Examiner, Subject } from './examination.ts'
import { Unusable } from './examination.ts'
import { type Finding, fail, messageOf, warn } from './finding.ts'
import { latency } from './latency.ts'
import { sample } from './sample.ts'

export type { Finding } from './finding.ts'

/** The options of the store that is examined, as `openStore` takes them. */
export type DoctorOptions = Omit<StoreOptions, 'bank'> & OpenOptions & Readonly<Record<string, unknown>>

/** These options are the caller's own connections. They are ignored: the URL is examined. */
const HANDED_IN = ['client', 'pool', 'cluster']

/** By the backend. */
const EXAMINERS: Readonly<Record<string, () => Promise<Examiner>>> = {
  memory: async () => (await import('./memory.ts')).memory,
  disk: async () => (await import('./disk.ts')).disk,
  sqlite: async () => (await import('./sqlite.ts')).sqlite,
  redis: async () => (await import('./redis.ts')).redis,
  postgres: async () => (await import('./postgres.ts')).postgres,
  mysql: async () => (await import('./mysql.ts')).mysql,
  mongodb: async () => (await import('./mongodb.ts')).mongodb,
  couchbase: async () => (await import('./couchbase.ts')).couchbase,
}

/** For a backend that this package does not know: latency and records are looked at all the same. */
const UNKNOWN: Examiner = { async *examine() {} }

/**
 * Examines the store of a URL. Yields at least one finding. Problems of the database are findings, not errors.
 *
 * @throws DATABANK_INVALID_OPTION, DATABANK_UNKNOWN_SCHEME
 */
export async function* doctor(url: string, options: DoctorOptions = {}): AsyncGenerator<Finding, void, undefined> {
  const { schemes, ...others } = options
  const { storeOptions, bankOptions } = splitOptions(others)
  if (storeOptions.encryption !== undefined) checkEncryption(storeOptions.encryption)
  const warnings: string[] = []
  const subject: Subject = {
    url,
    options: Object.fromEntries(Object.entries(bankOptions).filter(([name]) => !HANDED_IN.includes(name))),
    store: storeOptions,
    timeout: storeOptions.timeout ?? DEFAULT_CONTEXT.timeout,
    warn: (message) => warnings.push(message),
  }
  let bank: Bank | undefined
  try {
    const examiner = (await EXAMINERS[backendOf(url) ?? '']?.()) ?? UNKNOWN
    // It checks the URL and the options, and connects at its first use.
    bank = await openReadOnly(subject, examiner, schemes)
    yield* examiner.examine(subject, bank)
    bank = (await examiner.openBank?.(subject)) ?? bank
    yield await latency(bank)
    yield* sample(bank, storeOptions)
    yield* warnings.filter((message) => !message.includes('clock')).map((message) => warn('bank', message))
  } catch (error) {
    if (error instanceof Unusable) return
    if (isCoded(error) && NOT_OF_DATABASE.includes(error.code)) throw error
    yield unreachable(error)
  } finally {
    await bank?.close?.().catch(() => {})
  }
}

const NOT_OF_DATABASE: readonly string[] = ['DATABANK_INVALID_OPTION', 'DATABANK_UNKNOWN_SCHEME']

async function openReadOnly(subject: Subject, { readOnly }: Examiner, schemes: OpenOptions['schemes']): Promise<Bank> {
  const { url, options, timeout, warn: tell } = subject
  return openBank<object>(url, { ...options, ...readOnly, ...(schemes && { schemes }) }, { timeout, warn: tell })
}

const FIXES: Readonly<Record<string, string>> = {
  DATABANK_UNAVAILABLE: 'start the server, or correct its address in the URL',
  DATABANK_DENIED: 'correct user and password in the URL, or grant the rights that the README of the package lists',
}

/** The finding about a database that cannot be examined. */
function unreachable(error: unknown): Finding {
  const { code } = error as { code?: string }
  const isMissing = error instanceof DatabankError && error.code === 'DATABANK_MISSING_PACKAGE'
  const install = /npm install \S+?(?=[.,]? |[.,]?$)/.exec(messageOf(error))?.[0]
  return fail('connection', messageOf(error), isMissing ? install : FIXES[code ?? ''])
}
