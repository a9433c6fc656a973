import { type Command, Option } from 'commander'
import { type CommonOptions, type Context, urlCommand, wholeNumber, withSessions } from '../command.ts'
import { shortened } from '../ids.ts'
import type { Opened } from '../opened.ts'
import { liveSessions, type Session } from '../sessions.ts'
import { corruptLeftOut, header, row, tableFor } from '../table.ts'
import { iso } from '../text.ts'

interface LsOptions extends CommonOptions {
  owner?: string
  limit?: number
  sort?: keyof typeof ORDERS
  json?: boolean
  fullIds?: boolean
}

/** Null, never or unknown, comes last. */
const ORDERS = {
  created: (first: Session, second: Session) => (second.created ?? -1) - (first.created ?? -1),
  expires: (first: Session, second: Session) => (first.expires ?? Infinity) - (second.expires ?? Infinity) || 0,
  owner: (first: Session, second: Session) => compare(first.owner ?? '\uffff', second.owner ?? '\uffff'),
  size: (first: Session, second: Session) => second.size - first.size,
} as const

/** With `--sort`, that many sessions are kept in memory. */
const DEFAULT_SORTED = 1_000

export function lsCommand(context: Context): Command {
  return urlCommand('ls', 'lists live sessions', 'ls redis://localhost', 'ls redis://localhost --owner ada --json')
    .option('--owner <owner>', 'only the sessions of this owner')
    .option('--limit <n>', 'list at most this many sessions', wholeNumber)
    .addOption(
      new Option(
        '--sort <column>',
        `newest, soonest to expire, by owner, or largest first; keeps --limit sessions in memory, ${DEFAULT_SORTED} by default`,
      ).choices(Object.keys(ORDERS)),
    )
    .option('--json', 'one JSON object a line')
    .option('--full-ids', 'whole session ids, which are credentials')
    .action((url: string | undefined, options: LsOptions) =>
      withSessions(context, url, options, (opened) => list(context, opened, options)),
    )
}

async function list({ terminal }: Context, opened: Opened, options: LsOptions): Promise<void> {
  const { owner, json = false, fullIds = false } = options
  let corrupt = 0
  const onCorrupt = (): void => {
    corrupt++
  }
  const table = tableFor(terminal.columns, fullIds)
  let printed = 0
  for await (const session of selected(liveSessions(opened, { owner, onCorrupt }), options)) {
    if (json) {
      await terminal.printJson(asJson(session, fullIds))
      continue
    }
    if (printed++ === 0) await terminal.print(header(table))
    await terminal.print(row(table, session, Date.now()))
  }
  if (!json && printed === 0 && !terminal.isStopped) terminal.say('no live sessions')
  if (corrupt > 0) terminal.say(corruptLeftOut(corrupt))
}

async function* selected(
  sessions: AsyncIterable<Session>,
  { sort, limit = sort === undefined ? Infinity : DEFAULT_SORTED }: LsOptions,
): AsyncGenerator<Session, void, undefined> {
  if (sort !== undefined) {
    yield* await firstOf(sessions, limit, ORDERS[sort])
    return
  }
  let count = 0
  for await (const session of sessions) {
    yield session
    if (++count >= limit) return
  }
}

/** The first sessions in an order. Keeps at most twice as many. */
async function firstOf(
  sessions: AsyncIterable<Session>,
  limit: number,
  order: (first: Session, second: Session) => number,
): Promise<Session[]> {
  const kept: Session[] = []
  for await (const session of sessions) {
    kept.push(session)
    if (kept.length >= 2 * limit) kept.sort(order).splice(limit)
  }
  return kept.sort(order).slice(0, limit)
}

function asJson({ id, owner, created, expires, size }: Session, isFull: boolean): object {
  const date = (time: number | null): string | null => (time === null ? null : iso(time))
  return { id: isFull ? id : shortened(id), owner, created: date(created), expires: date(expires), size }
}

function compare(first: string, second: string): number {
  return first < second ? -1 : first > second ? 1 : 0
}
