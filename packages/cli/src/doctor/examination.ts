import type { StoreOptions } from 'connect-databank'
import type { Bank } from 'connect-databank/backend'
import type { Finding } from './finding.ts'

/** The store to examine. */
export interface Subject {
  readonly url: string
  /** The options of the bank: those of the store are taken out. */
  readonly options: Readonly<Record<string, unknown>>
  readonly store: Pick<StoreOptions, 'owner'>
  /** How long to wait for one answer, in milliseconds. */
  readonly timeout: number
  /** Collects the bank's warnings. */
  readonly warn: (message: string) => void
}

/** The examination of one kind of database. It only reads. */
export interface Examiner {
  /**
   * Looks at the server, the rights and the settings. May yield a `fail` after which nothing else makes sense, and then throws `Unusable`.
   *
   * @param bank not connected yet
   */
  examine(subject: Subject, bank: Bank): AsyncIterable<Finding>
  /** Options with which `openBank` creates nothing. Default: none are needed. */
  readonly readOnly?: Readonly<Record<string, unknown>>
  /** A bank that only reads, if the package's bank writes when it connects. */
  openBank?(subject: Subject): Promise<Bank>
}

/** Ends the examination: the finding before it says why. */
export class Unusable extends Error {}

/** A server on this machine needs no encryption on the way. */
export function isLocalHost(host: string): boolean {
  return host === '' || host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host)
}

/** Whether a version is at least this one; both as `7.0.15`. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [version, least].map((each) => each.split('.').map((part) => Number.parseInt(part, 10) || 0))
  for (const [index, part] of need!.entries()) {
    const other = have![index] ?? 0
    if (other !== part) return other > part
  }
  return true
}
