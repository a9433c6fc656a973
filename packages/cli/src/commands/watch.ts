import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { changesBetween, type Look, look, Rates } from '../activity.ts'
import { type CommonOptions, type Context, urlCommand, wholeNumber, withSessions } from '../command.ts'
import { Failure } from '../failure.ts'
import type { Opened } from '../opened.ts'
import { liveSessions } from '../sessions.ts'
import { fit, number } from '../text.ts'

interface WatchOptions extends CommonOptions {
  interval: number
}

/** In seconds. A timer of 25 days would end at once. */
const LONGEST_INTERVAL = 86_400

export function watchCommand(context: Context): Command {
  return urlCommand('watch', 'shows how many sessions are live, and logins and ends a minute', 'watch redis://localhost')
    .option('--interval <seconds>', 'how often it reads all sessions; at most 86400, a day', secondsOf, 5)
    .addHelpText(
      'after',
      `
With the option owner in your store, a login is a session that gets an owner. Without it, it is any new session.
A session that is created and ended between two reads is not counted. Reading takes at most half of the time.`,
    )
    .action((url: string | undefined, options: WatchOptions) =>
      withSessions(context, url, options, (opened) => watch(context, opened, options.interval * 1_000)),
    )
}

function secondsOf(text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number(text) > LONGEST_INTERVAL) {
    throw new Failure(`--interval ${text} is too long: at most ${number(LONGEST_INTERVAL)} seconds, a day`)
  }
  return wholeNumber(text)
}

async function watch({ terminal }: Context, opened: Opened, interval: number): Promise<void> {
  const { signal } = opened
  const rates = new Rates()
  let before: { look: Look; at: number } | undefined
  try {
    while (!signal.aborted) {
      const start = Date.now()
      const now = { look: await look(liveSessions(opened, {})), at: Date.now() }
      // A look that was stopped is incomplete.
      if (signal.aborted) break
      if (before !== undefined) rates.add(before.at, now.at, changesBetween(before.look, now.look))
      before = now
      await show(terminal, now.look.live, rates)
      await sleep(Math.max(interval - (now.at - start), now.at - start), undefined, { signal }).catch(() => {})
    }
  } finally {
    if (terminal.stdout.isTTY) terminal.stdout.write('\n')
  }
}

async function show(terminal: Context['terminal'], live: number, rates: Rates): Promise<void> {
  const perMinute = rates.perMinute()
  const [logins, ends] = perMinute === null ? ['-', '-'] : [number(perMinute.logins), number(perMinute.ends)]
  const clock = new Date().toISOString().slice(11, 19)
  const figures = `${number(live)} live  ${logins} logins/min  ${ends} ends/min`
  const line = `${clock}Z  ${figures}`
  if (!terminal.stdout.isTTY) return terminal.print(line)
  // Overwrites the line. The last column stays free, because a terminal may begin a new line there.
  const columns = terminal.columns - 1
  terminal.stdout.write(`\r${fit(line.length <= columns ? line : figures, columns)}`)
}
