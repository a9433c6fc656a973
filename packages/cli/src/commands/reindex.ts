import type { Command } from 'commander'
import { type CommonOptions, type Context, report, urlCommand, withSessions } from '../command.ts'
import { Failure } from '../failure.ts'
import { counted } from '../text.ts'

export function reindexCommand(context: Context): Command {
  return urlCommand(
    'reindex',
    'stores the owner of each session anew, by the function owner of --config',
    'reindex redis://localhost --config sessions.config.js',
  ).action((url: string | undefined, options: CommonOptions) =>
    withSessions(context, url, options, async ({ store, config }) => {
      if (config.owner === undefined) throw new Failure('reindex needs --config with the function owner of your store')
      report(context, `${counted(await store.reindexOwners(), 'session')} changed`)
    }),
  )
}
