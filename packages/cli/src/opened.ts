import { existsSync } from 'node:fs'
import { DatabankStore, openBank } from 'connect-databank'
import { type Bank, checkEncryption, DEFAULT_CONTEXT, encrypt, splitOptions } from 'connect-databank/backend'
import { type Config, readConfig, withKeys } from './config.ts'
import { EXIT, Failure } from './failure.ts'
import { stoppable, withDeadlines } from './layers.ts'
import type { Terminal } from './terminal.ts'
import { backendOf, IN_MEMORY, nameOf, pathOf } from './urls.ts'

/** The sessions that a URL names. */
export interface Opened {
  /** For messages: without user and password. */
  readonly name: string
  readonly config: Config
  /** The bank with decrypted entries. Its listings end when the command is stopped. */
  readonly bank: Bank
  /** The bank with entries as they are stored. */
  readonly raw: Bank
  /** A store on the same bank, without timers. */
  readonly store: DatabankStore
  /** Aborted when the command is to stop. */
  readonly signal: AbortSignal
  close(): Promise<void>
}

/** The location of sessions on a command line. */
export interface Location {
  readonly url: string
  /** The file of `--config`. */
  readonly config?: string | undefined
}

/**
 * Opens the sessions that a command works on.
 *
 * @throws Failure, and as `openBank`
 */
export async function open(terminal: Terminal, location: Location): Promise<Opened> {
  const config = withKeys(await readConfig(location.config), terminal.env)
  return openWith(terminal, location.url, config)
}

async function openWith(terminal: Terminal, url: string, config: Config): Promise<Opened> {
  const raw = stoppable(await openRaw(terminal, url, config, { isCreated: false }), terminal.signal)
  const { storeOptions } = splitConfig(config)
  const store = new DatabankStore({ ...storeOptions, cleanupInterval: null, bank: raw })
  const bank = decrypted(raw, config)
  return { name: nameOf(url), config, bank, raw, store, signal: terminal.signal, close: () => store.close() }
}

/**
 * Connects to a bank, with deadlines. The configuration is checked before.
 *
 * @param isCreated whether a missing folder, file or table is created. Otherwise it is an error, because the URL is probably misspelt
 */
export async function openRaw(
  terminal: Terminal,
  url: string,
  config: Config,
  { isCreated }: { isCreated: boolean },
): Promise<Bank> {
  const { schemes, storeOptions, bankOptions } = splitConfig(config)
  // Before anything is created.
  if (storeOptions.encryption !== undefined) checkEncryption(storeOptions.encryption)
  const timeout = storeOptions.timeout ?? DEFAULT_CONTEXT.timeout
  const existing = isCreated ? {} : existingOnly(url)
  const context = { timeout, warn: (message: string) => terminal.say(`warning: ${message}`) }
  const options = { ...existing, ...bankOptions, ...(schemes && { schemes }) }
  const bank = withDeadlines(await openBank<object>(url, options, context), timeout)
  // Opened now, or the first operation would wait for a missing server. For a folder, this would need the right to write.
  if (!isCreated && backendOf(url) === 'disk') return bank
  try {
    await bank.open?.()
  } catch (error) {
    // SQLite deletes the log that it has made beside the file.
    await bank.close?.().catch(() => {})
    throw error
  }
  return bank
}

/** The bank, with decrypted entries if the configuration has keys. */
export function decrypted(bank: Bank, { encryption }: Config): Bank {
  return encryption === undefined ? bank : encrypt(bank, encryption)
}

/** A logger would print between the lines of the command. */
function splitConfig({ schemes, log: _log, ...options }: Config) {
  return { schemes, ...splitOptions(options) }
}

const WITH_TABLES: readonly unknown[] = ['postgres', 'mysql', 'sqlite']
const WITH_FILES: readonly unknown[] = ['disk', 'sqlite']

/** Options with which a bank creates nothing. @throws Failure if a folder or a file is missing */
function existingOnly(url: string): object {
  const backend = backendOf(url)
  const path = WITH_FILES.includes(backend) ? pathOf(url) : undefined
  if (path !== undefined && path !== IN_MEMORY && !existsSync(path)) {
    throw new Failure(`there is no ${path}`, EXIT.failed)
  }
  return WITH_TABLES.includes(backend) ? { createTable: false } : {}
}
