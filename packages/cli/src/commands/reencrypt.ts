import type { Command } from 'commander'
import { type CommonOptions, type Context, EXIT, report, urlCommand, withSessions } from '../command.ts'
import { Failure } from '../failure.ts'
import { type Counts, Reencryption } from '../reencryption.ts'
import { counted } from '../text.ts'

interface ReencryptOptions extends CommonOptions {
  acceptPlain?: boolean
  hashIds?: boolean
}

export function reencryptCommand(context: Context): Command {
  return urlCommand(
    'reencrypt',
    'encrypts each session with the newest key, and, with hashIds, stores it under the hash of its id',
    'reencrypt redis://localhost --config sessions.config.js',
  )
    .option('--accept-plain', 'also encrypt sessions that are not encrypted yet')
    .option('--hash-ids', 'hash the ids, even without hashIds in the configuration; ids of 64 hexadecimal digits count as hashed')
    .action(async (url: string | undefined, options: ReencryptOptions) => {
      await withSessions(context, url, options, async (opened) => {
        const { encryption, hashIds } = opened.config
        const isHashed = options.hashIds === true || (hashIds !== undefined && hashIds !== false)
        if (encryption === undefined && !isHashed) {
          throw new Failure('reencrypt needs keys, in SESSION_ENCRYPTION_KEYS or --config, or --hash-ids')
        }
        const acceptPlain = options.acceptPlain ?? encryption?.acceptPlain ?? false
        const reencryption = new Reencryption(opened.raw, encryption && { ...encryption, acceptPlain }, isHashed)
        try {
          await reencryption.run()
        } finally {
          tell(context, reencryption.counts)
        }
      })
    })
}

function tell(context: Context, { encrypted, moved, unreadable }: Counts): void {
  report(context, `${counted(encrypted, 'session')} encrypted anew, ${counted(moved, 'id')} hashed`)
  if (unreadable === 0) return
  context.exitCode = EXIT.failed
  context.terminal.say(`${counted(unreadable, 'record')} cannot be read with these keys: left unchanged`)
}
