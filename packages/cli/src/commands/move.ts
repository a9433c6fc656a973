import type { Command } from 'commander'
import type { Bank } from 'connect-databank/backend'
import { type Context, command, EXIT } from '../command.ts'
import { readConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { requireDistinct } from '../move/distinct.ts'
import { idMapping, type MoveOptions, type MoveResult, move } from '../move/index.ts'
import { decrypted, openRaw } from '../opened.ts'
import { displayOn } from '../progress.ts'
import type { Terminal } from '../terminal.ts'
import { counted, number } from '../text.ts'
import { isInProcess, nameOf } from '../urls.ts'

interface MoveCommandOptions {
  fromConfig?: string
  toConfig?: string
  watch?: boolean
  delete?: boolean
  mirror?: boolean
}

export function moveCommand(context: Context): Command {
  return command(
    'move',
    'copies all live sessions to another store, while the application runs',
    'move redis://localhost sqlite:./sessions.db',
    'move redis://localhost postgres://localhost/app --watch --delete',
  )
    .argument('<from>', 'the URL of the source')
    .argument('<to>', 'the URL of the target: another storage, not memory:')
    .option('--watch', 'follow the source until the application uses the target')
    .option('--delete', 'at the end, delete the moved sessions from the source')
    .option('--mirror', 'make the target equal to the source: only while no application uses the target')
    .option('--from-config <file>', 'a JavaScript file that exports the options of the source store')
    .option('--to-config <file>', 'a JavaScript file that exports the options of the target store')
    .action(async (from: string, to: string, options: MoveCommandOptions) => {
      const { terminal } = context
      const result = await run(terminal, from, to, options)
      tell(terminal, result)
      if (result.isEqual) context.exitCode = EXIT.done
      else if (!result.isAborted) context.exitCode = EXIT.failed
    })
}

async function run(terminal: Terminal, from: string, to: string, options: MoveCommandOptions): Promise<MoveResult> {
  const [sourceConfig, targetConfig] = await Promise.all([readConfig(options.fromConfig), readConfig(options.toConfig)])
  if (isInProcess(to, targetConfig)) {
    throw new Failure('the target is in the memory of this process, and would end with it: give another target')
  }
  const idOf = idMapping(sourceConfig.hashIds, targetConfig.hashIds)
  const source = await openRaw(terminal, from, sourceConfig, { isCreated: false })
  const target = await openRaw(terminal, to, targetConfig, { isCreated: true })
  try {
    await requireDistinct(source, target)
    terminal.say(`from ${nameOf(from)} to ${nameOf(to)}`)
    return await moveWithDisplay(terminal, decrypted(source, sourceConfig), decrypted(target, targetConfig), {
      deleteSource: options.delete,
      watch: options.watch,
      mirror: options.mirror,
      idOf,
    })
  } finally {
    await Promise.allSettled([source.close?.(), target.close?.()])
  }
}

async function moveWithDisplay(terminal: Terminal, from: Bank, to: Bank, options: MoveOptions): Promise<MoveResult> {
  const display = displayOn(terminal)
  try {
    return await move(from, to, { ...options, signal: terminal.signal, onProgress: (progress) => display.show(progress) })
  } finally {
    display.stop()
  }
}

function tell(terminal: Terminal, result: MoveResult): void {
  const counts: [count: number, what: string][] = [
    [result.updated, 'updated'],
    [result.ended, 'ended'],
    [result.skipped, 'there already'],
    [result.newer, 'changed on the target and left alone'],
    [result.differing, 'different on the target and left alone'],
    [result.refused, `refused by the target: ${result.refusal}`],
    [result.corrupt, 'corrupt and left out'],
    [result.deleted, 'deleted from the source'],
    [result.left, 'still on the source'],
  ]
  const others = counts.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`)
  terminal.say([`${counted(result.copied, 'session')} copied`, ...others].join(', '))
  terminal.say(result.isEqual ? 'source and target are equal' : notEqual(result))
}

function notEqual({ isAborted }: MoveResult): string {
  return isAborted
    ? 'stopped before source and target were equal'
    : 'source and target are not equal: run it again, or with --watch'
}
