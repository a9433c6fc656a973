import type { Command } from 'commander'
import { DatabankStore } from 'connect-databank'
import { type Bank, extend } from 'connect-databank/backend'
import { allSettled, batchesOf } from '../batches.ts'
import { type CommonOptions, type Context, report, urlCommand, withSessions } from '../command.ts'
import { Side } from '../move/side.ts'
import type { Opened } from '../opened.ts'
import { inspect, listed } from '../sessions.ts'
import { counted } from '../text.ts'

export function purgeCommand(context: Context): Command {
  return urlCommand(
    'purge',
    'deletes expired sessions that are still stored; with --config also those past its absoluteTimeout',
    'purge sqlite:./sessions.db',
    'purge sqlite:./sessions.db --config sessions.config.js',
  ).action((url: string | undefined, options: CommonOptions) =>
    withSessions(context, url, options, async (opened) => {
      report(context, `${counted(await purge(opened), 'expired session')} deleted`)
    }),
  )
}

async function purge(opened: Opened): Promise<number> {
  const deleted = await deleteExpired(opened)
  const ended = await endOverdue(opened)
  // An ended session may still be stored, with a past expiry.
  if (ended > 0) await deleteExpired(opened)
  return deleted + ended
}

/** Deletes sessions whose stored expiry has passed. */
async function deleteExpired({ bank }: Opened): Promise<number> {
  if (bank.purge !== undefined) return bank.purge(Date.now())
  let deleted = 0
  const counting: Bank = extend(bank, {
    async delete(id) {
      const existed = await bank.delete(id)
      if (existed) deleted++
      return existed
    },
  })
  const store = new DatabankStore({ bank: counting, cleanupInterval: null })
  await store.cleanup()
  return deleted
}

/**
 * Ends sessions that are past the absolute time-out of the configuration, and whose stored expiry is later: the application stored them
 * without this time-out, or with a longer one. A session that was rewritten meanwhile stays.
 */
async function endOverdue({ bank, config }: Opened): Promise<number> {
  if (config.absoluteTimeout == null) return 0
  const side = new Side(bank, Date.now)
  let ended = 0
  for await (const batch of batchesOf(listed(bank))) {
    const overdue = batch.filter(([id, stored]) => inspect(config, id, stored, Date.now()).state === 'expired')
    const results = await allSettled(overdue.map(([id, stored]) => side.end(id, stored)))
    ended += results.filter(Boolean).length
  }
  return ended
}
