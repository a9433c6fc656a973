import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { type CommonOptions, type Context, EXIT, isUrl, report, urlCommand, withSessions } from '../command.ts'
import { Failure } from '../failure.ts'
import { resolveIds, shown } from '../ids.ts'
import type { Opened } from '../opened.ts'
import { counted } from '../text.ts'

interface EndOptions extends CommonOptions {
  owner?: string
  except?: string
  all?: boolean
  yes?: boolean
}

export function endCommand(context: Context): Command {
  return urlCommand(
    'end',
    'ends sessions: their users are logged out',
    'end redis://localhost Zk3vT9qa',
    'end redis://localhost --owner ada --except Zk3vT9qa',
    'end redis://localhost --all --yes',
  )
    .argument('[ids...]', 'the ids, or at least their first 8 characters')
    .option('--owner <owner>', 'the sessions of this owner')
    .option('--except <id>', 'with --owner: all but this session')
    .option('--all', 'all sessions')
    .option('--yes', 'with --all: do not ask')
    .action((first: string | undefined, others: string[], options: EndOptions) => {
      const [url, ids] = isUrl(first) || first === undefined ? [first, others] : [undefined, [first, ...others]]
      checkArguments(ids, options)
      if (options.all && !options.yes && !context.terminal.isInteractive) {
        throw new Failure('--all needs --yes without a terminal')
      }
      return withSessions(context, url, options, (opened) => end(context, opened, ids, options))
    })
}

function checkArguments(ids: readonly string[], { owner, except, all }: EndOptions): void {
  const ways = [ids.length > 0, owner !== undefined, all === true].filter(Boolean).length
  if (ways !== 1) throw new Failure('give session ids, or --owner, or --all')
  if (except !== undefined && owner === undefined) throw new Failure('--except is for --owner')
}

async function end(context: Context, opened: Opened, ids: readonly string[], options: EndOptions): Promise<void> {
  const { owner, except, all } = options
  if (all) await endAll(context, opened, options)
  else if (owner !== undefined) await endEach(context, opened, await idsOfOwner(opened, owner, except))
  else await endEach(context, opened, await resolveIds(opened, ids))
}

async function endEach(context: Context, { store, signal }: Opened, ids: readonly string[]): Promise<void> {
  let ended = 0
  try {
    for (const id of new Set(ids)) {
      if (signal.aborted) break
      if (await store.destroyById(id)) ended++
    }
  } finally {
    report(context, `${counted(ended, 'session')} ended`)
  }
}

/** All ids first: a session that begins meanwhile is not ended. */
async function idsOfOwner({ store, signal, bank, config }: Opened, owner: string, except: string | undefined): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of store.sessionsOf(owner)) ids.push(id)
  signal.throwIfAborted()
  if (except === undefined) return ids
  const [kept] = await resolveIds({ bank, config }, [except])
  // It is better to end no session than to end the one that must stay.
  if (!ids.includes(kept!)) throw new Failure(`the session ${shown(kept!)} is not one of this owner`, EXIT.notFound)
  return ids.filter((id) => id !== kept)
}

async function endAll(context: Context, { store, name }: Opened, { yes }: EndOptions): Promise<void> {
  const { terminal } = context
  const live = await store.length()
  if (!yes && !(await isConfirmed(context, `End ${counted(live, 'live session')} of ${name}?`))) {
    terminal.say('nothing was ended')
    context.exitCode = EXIT.failed
    return
  }
  await store.clear()
  report(context, `all sessions ended; ${counted(live, 'session was', 'sessions were')} live`)
}

async function isConfirmed({ terminal }: Context, question: string): Promise<boolean> {
  const { stdin: input, stderr: output, signal } = terminal
  // No terminal: readline would take Ctrl-C for itself.
  const prompt = createInterface({ input, output, terminal: false })
  try {
    // Ctrl-D closes it without an answer.
    const closed = once(prompt, 'close').then(() => 'no')
    const answer = await Promise.race([prompt.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    output.write('\n')
    throw error
  } finally {
    prompt.close()
  }
}
