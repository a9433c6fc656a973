// Runs the command line in this process, as a user runs it, with a terminal of its own.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { ReferenceBank, type Table } from '@connect-databank/conformance'
import { type Bank, DatabankStore, type StoreOptions } from 'connect-databank'
import { afterAll } from 'vitest'
import { main } from '../src/main.ts'

export const MINUTE = 60_000

const folder = mkdtempSync(join(tmpdir(), 'connect-databank-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

export interface TerminalOptions {
  env?: NodeJS.ProcessEnv
  /** Makes the streams a terminal of this width. */
  columns?: number
  /** What is typed; null: Ctrl-D. */
  typed?: string | null
}

/** A run that is under way. */
export class Run {
  readonly stdout = outputOf(this)
  readonly stderr = outputOf(this)
  readonly #stop = new AbortController()
  readonly ended: Promise<{ code: number; out: string; err: string; lines: string[] }>
  #out = ''
  #err = ''

  constructor(args: readonly string[], { env = {}, columns, typed }: TerminalOptions = {}) {
    const stdin = Object.assign(new PassThrough(), { isTTY: columns !== undefined })
    if (typed === null) stdin.end()
    else if (typed !== undefined) stdin.write(`${typed}\n`)
    for (const stream of [this.stdout, this.stderr]) Object.assign(stream, { isTTY: columns !== undefined, columns })
    this.stdout.on('data', (text) => {
      this.#out += text
    })
    this.stderr.on('data', (text) => {
      this.#err += text
    })
    const streams = { stdin, stdout: this.stdout, stderr: this.stderr } as never as Pick<
      Parameters<typeof main>[1],
      'stdin' | 'stdout' | 'stderr'
    >
    this.ended = main(args, { ...streams, env, signal: this.#stop.signal }).then((code) => ({
      code,
      out: this.#out,
      err: this.#err,
      lines: this.#out.split('\n').slice(0, -1),
    }))
  }

  /** What standard output has so far. */
  get out(): string {
    return this.#out
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#stop.abort()
  }

  /** Waits for the next text on standard output. */
  async printed(): Promise<string> {
    await once(this.stdout, 'data')
    return this.#out
  }

  /** Waits until standard error has this text. */
  async said(text: string): Promise<void> {
    while (!this.#err.includes(text)) await once(this.stderr, 'data')
  }
}

function outputOf(_run: Run): PassThrough {
  return new PassThrough({ encoding: 'utf8' })
}

/** Runs a command to its end. */
export function run(args: readonly string[], options?: TerminalOptions): Run['ended'] {
  return new Run(args, options).ended
}

const configs: Record<string, unknown> = {}
Object.assign(globalThis, { configsOfTests: configs })

/** Everything that a configuration file may export, as a file: functions and banks cannot be written as text. */
export function configFile(config: unknown): string {
  const name = randomUUID()
  configs[name] = config
  return fileWith(`export default globalThis.configsOfTests['${name}']`, `${name}.mjs`)
}

export function fileWith(text: string, name: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

export const ownerOf: NonNullable<StoreOptions['owner']> = (session) => (session as { user?: string }).user

/** Sessions in this process, a store on them, and the arguments that name them. Each command opens a bank of its own. */
export function inMemory({ config = {}, layer = (bank) => bank }: { config?: object; layer?: (bank: Bank) => Bank } = {}) {
  const table: Table = new Map()
  const open = (): Bank => new ReferenceBank(table)
  const schemes = { test: async () => ({ openBank: () => layer(open()) }) }
  const args = ['test:', '--config', configFile({ schemes, owner: ownerOf, ...config })]
  const store = new DatabankStore({ bank: open(), owner: ownerOf, cleanupInterval: null, ...config })
  return { table, bank: open(), args, store }
}

/** A session as an application stores it. */
export function sessionData(data: object = {}, maxAge = 60 * MINUTE): never {
  const cookie = { path: '/', httpOnly: true, originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge).toISOString() }
  return { cookie, ...data } as never
}

/** An id as long as express-session's. */
export function idOf(beginning: string): string {
  return beginning.padEnd(32, '0')
}
