import type { Command } from 'commander'
import { type CommonOptions, type Context, urlCommand, withSessions } from '../command.ts'
import type { Opened } from '../opened.ts'
import { inspect, listed } from '../sessions.ts'
import { number } from '../text.ts'

interface CountOptions extends CommonOptions {
  json?: boolean
}

export function countCommand(context: Context): Command {
  return urlCommand('count', 'counts live, expired and corrupt sessions, by reading them all', 'count redis://localhost')
    .option('--json', 'one JSON object')
    .action((url: string | undefined, options: CountOptions) =>
      withSessions(context, url, options, (opened) => count(context, opened, options)),
    )
}

async function count({ terminal }: Context, { bank, config, signal }: Opened, { json }: CountOptions): Promise<void> {
  const counts = { live: 0, expired: 0, corrupt: 0 }
  for await (const [id, stored] of listed(bank)) counts[inspect(config, id, stored, Date.now()).state]++
  signal.throwIfAborted()
  if (json) return terminal.printJson(counts)
  const width = number(Math.max(...Object.values(counts))).length
  const names = { live: 'live', expired: 'expired, not yet removed', corrupt: 'corrupt' }
  for (const [state, name] of Object.entries(names)) {
    await terminal.print(`${number(counts[state as keyof typeof counts]).padStart(width)} ${name}`)
  }
}
