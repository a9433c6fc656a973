import type { Command } from 'commander'
import { DatabankStore } from 'connect-databank'
import { type Bank, extend } from 'connect-databank/backend'
import { type CommonOptions, type Context, report, urlCommand, withSessions } from '../command.ts'
import type { Opened } from '../opened.ts'
import { counted } from '../text.ts'

export function purgeCommand(context: Context): Command {
  return urlCommand('purge', 'deletes expired sessions that are still stored', 'purge sqlite:./sessions.db').action(
    (url: string | undefined, options: CommonOptions) =>
      withSessions(context, url, options, async (opened) => {
        report(context, `${counted(await purge(opened), 'expired session')} deleted`)
      }),
  )
}

async function purge({ bank }: Opened): Promise<number> {
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
