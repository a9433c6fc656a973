import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Context, PROGRAM } from './command.ts'
import { completionCommand } from './commands/completion.ts'
import { countCommand } from './commands/count.ts'
import { doctorCommand } from './commands/doctor.ts'
import { endCommand } from './commands/end.ts'
import { lsCommand } from './commands/ls.ts'
import { moveCommand } from './commands/move.ts'
import { purgeCommand } from './commands/purge.ts'
import { reencryptCommand } from './commands/reencrypt.ts'
import { reindexCommand } from './commands/reindex.ts'
import { showCommand } from './commands/show.ts'
import { watchCommand } from './commands/watch.ts'

const COMMANDS = [
  lsCommand,
  showCommand,
  countCommand,
  endCommand,
  moveCommand,
  purgeCommand,
  reindexCommand,
  reencryptCommand,
  doctorCommand,
  watchCommand,
  completionCommand,
]

const ABOUT = `<url> is the URL for openStore, such as redis://localhost or sqlite:./sessions.db. Run the command in your project: it uses
the backend package that is installed there.`

/** At most 40 columns wide. */
const TABLES = `Environment:
  SESSION_URL              the default of
                           <url>
  SESSION_ENCRYPTION_KEYS  separated by
                           commas, the
                           newest first

Exit codes:
    0  done
    1  failed
    2  wrong arguments
    3  no such session
    4  doctor: warnings
    5  doctor: failures
  130  stopped by Ctrl-C`

/** The command line. */
export function programOf(context: Context): Command {
  const { terminal } = context
  const program = new Command(PROGRAM)
    .description('Lists, ends, moves and checks Express sessions in any database.')
    .version(versionOfPackage())
    .addHelpText(
      'after',
      ({ command }) => `\n${command.createHelp().boxWrap(ABOUT.replace('\n', ' '), terminal.columns)}\n\n${TABLES}`,
    )
  for (const make of COMMANDS) program.addCommand(make(context))
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureHelp({ subcommandTerm: (command) => command.name(), minWidthToWrap: 20 })
    each.configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      // One sentence, as every error: main prints it.
      outputError: () => {},
      getOutHelpWidth: () => terminal.columns,
    })
  }
  return program
}

/**
 * Moves ids that begin with a hyphen behind `--`, because they are not options: one id in 64 begins so. No option has one hyphen and so many
 * letters.
 */
export function withIdsLast(program: Command, args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const { options = [] } = program.commands.find((command) => command.name() === args[0]) ?? {}
  const others: string[] = []
  const ids: string[] = []
  let needsValue = false
  for (const arg of args.slice(0, end)) {
    if (needsValue || !isId(arg)) others.push(arg)
    else ids.push(arg)
    needsValue = !needsValue && options.some(({ long, required }) => required && long === arg)
  }
  ids.push(...args.slice(end + 1))
  // The parser would take `--` as the value. Without it, the parser says that the value is missing.
  return needsValue || ids.length === 0 ? others : [...others, '--', ...ids]
}

function isId(arg: string): boolean {
  return /^-[^-].{6}/.test(arg)
}

function versionOfPackage(): string {
  return JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')).version
}
