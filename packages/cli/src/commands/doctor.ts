import { styleText } from 'node:util'
import type { Command } from 'commander'
import { type CommonOptions, type Context, EXIT, urlCommand, urlOf } from '../command.ts'
import { readConfig, withKeys } from '../config.ts'
import { doctor, type Finding } from '../doctor/index.ts'
import type { Terminal } from '../terminal.ts'
import { visible, wrapped } from '../text.ts'

interface DoctorCommandOptions extends CommonOptions {
  json?: boolean
}

const EXIT_CODES = { ok: EXIT.done, warn: EXIT.warnings, fail: EXIT.failures } as const
const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const

export function doctorCommand(context: Context): Command {
  return urlCommand(
    'doctor',
    'checks the database, without changing it: version, latency, clock, rights, TLS, settings, records',
    'doctor redis://localhost',
    'doctor postgres://localhost/app --config sessions.config.js',
  )
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `\nExits with ${EXIT.done} if all is well, ${EXIT.warnings} after a warning, ${EXIT.failures} after a failure.`,
    )
    .action(async (url: string | undefined, options: DoctorCommandOptions) => {
      const { terminal } = context
      const config = withKeys(await readConfig(options.config), terminal.env)
      let code: number = EXIT.done
      for await (const finding of doctor(urlOf(url, terminal), config)) {
        terminal.signal.throwIfAborted()
        code = Math.max(code, EXIT_CODES[finding.level])
        if (options.json) await terminal.printJson(finding)
        else await print(terminal, finding)
      }
      context.exitCode = code
    })
}

const INDENT = 6

async function print(terminal: Terminal, { level, subject, message, fix }: Finding): Promise<void> {
  const hasColor = terminal.stdout.isTTY && !terminal.env['NO_COLOR']
  const label = level.padEnd(INDENT)
  const lines = wrapped(visible(`${subject}: ${message}`), terminal.columns - INDENT)
  for (const [index, line] of lines.entries()) {
    const start = index > 0 ? ' '.repeat(INDENT) : hasColor ? styleText(COLORS[level], label, { validateStream: false }) : label
    await terminal.print(`${start}${line}`)
  }
  // In one line, whatever the width: it is to be copied.
  if (fix !== undefined) await terminal.print(`${' '.repeat(INDENT)}→ ${visible(fix)}`)
}
