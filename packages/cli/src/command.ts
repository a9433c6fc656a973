import { Command } from 'commander'
import { EXIT, Failure } from './failure.ts'
import { type Opened, open } from './opened.ts'
import type { Terminal } from './terminal.ts'

/** The context of a command. */
export interface Context {
  readonly terminal: Terminal
  /** The exit code, if the command sets one. */
  exitCode: number | undefined
}

/** The options that every command on one store has. */
export interface CommonOptions {
  config?: string
}

const PROGRAM = 'connect-databank'
/** Replaces a missing `<url>`. */
const URL_VARIABLE = 'SESSION_URL'

/** A command with an example in its help. */
export function command(name: string, description: string, ...examples: readonly string[]): Command {
  const lines = examples.map((each) => `  $ npx @connect-databank/cli ${each}`)
  return new Command(name)
    .description(description)
    .addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`)
}

/** A command whose first argument is the URL of the sessions. */
export function urlCommand(name: string, description: string, ...examples: readonly string[]): Command {
  return command(name, description, ...examples)
    .argument('[url]', `where the sessions are (default: ${URL_VARIABLE})`)
    .option('--config <file>', 'a JavaScript file that exports the options of your store')
}

/** Opens the sessions, does the work, and closes them. */
export async function withSessions(
  { terminal }: Context,
  url: string | undefined,
  { config }: CommonOptions,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const opened = await open(terminal, { url: urlOf(url, terminal), config })
  try {
    await work(opened)
  } finally {
    // A failure of closing would hide that of the work.
    await opened.close().catch(() => {})
  }
}

/** @throws Failure */
export function urlOf(url: string | undefined, { env }: Terminal): string {
  const given = url ?? env[URL_VARIABLE]
  if (given) return given
  throw new Failure(`give the URL of the sessions, such as redis://localhost, or set ${URL_VARIABLE}`)
}

/** Whether an argument is a URL, not a session id. */
export function isUrl(argument: string | undefined): boolean {
  return argument !== undefined && /^[a-z][a-z0-9+.-]*:/i.test(argument)
}

/** The parser of an option that is a whole number of at least 1. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Failure(`${JSON.stringify(text)} is no positive whole number`)
}

/** Prints the work that was done, also if the command was stopped before its end. */
export function report({ terminal }: Context, done: string): void {
  terminal.say(terminal.isStopped ? `stopped: ${done}` : done)
}

export { EXIT, PROGRAM }
