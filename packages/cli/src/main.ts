import { CommanderError } from 'commander'
import { type Context, EXIT, PROGRAM } from './command.ts'
import { describeError } from './failure.ts'
import { programOf, withIdsLast } from './program.ts'
import { type Surroundings, Terminal } from './terminal.ts'

/** Runs one command. Resolves with the exit code. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const terminal = new Terminal(surroundings)
  const context: Context = { terminal, exitCode: undefined }
  try {
    const program = programOf(context)
    await program.parseAsync(withIdsLast(program, args), { from: 'user' })
  } catch (error) {
    return exitCodeOf(error, terminal)
  }
  if (terminal.outputError !== undefined) return exitCodeOf(terminal.outputError, terminal)
  return context.exitCode ?? (terminal.isStopped ? EXIT.stopped : EXIT.done)
}

/** Prints the error, in one sentence. */
function exitCodeOf(error: unknown, terminal: Terminal): number {
  if (terminal.isStopped) {
    terminal.say('stopped')
    return EXIT.stopped
  }
  if (terminal.outputError === undefined && terminal.signal.aborted) return EXIT.done // As after `ls | head`.
  if (error instanceof CommanderError) {
    // Help and the version were printed.
    if (error.exitCode === 0) return EXIT.done
    if (error.code === 'commander.help') return EXIT.usage
    terminal.say(`${PROGRAM}: ${sentence(error.message)}`)
    return EXIT.usage
  }
  const { message, exitCode } = describeError(terminal.outputError ?? error)
  terminal.say(`${PROGRAM}: ${message}`)
  return exitCode
}

function sentence(message: string): string {
  return message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
}
