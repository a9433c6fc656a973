// Takes its own rights away, and prints as JSON what came of each operation: `rights <folder>`.
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SqliteBank } from '../../src/index.ts'

const folder = process.argv[2]!
const path = join(folder, 'a.db')
const entry = (payload: string) => ({ payload, expires: Date.now() + 3_600_000 })
const now = Date.now()

async function outcomes(bank: SqliteBank): Promise<string> {
  const operations = [
    bank.open(),
    bank.read('a').then((stored) => stored?.payload),
    bank.save('a', entry('b')),
    bank.swap('b', null, entry('b'), now),
    bank.touch('a', now + 7_200_000, now),
    bank.delete('a'),
    bank.purge(now),
  ]
  const settled = await Promise.allSettled(operations)
  const codes = settled.map((each) => (each.status === 'fulfilled' ? (each.value ?? 'done') : each.reason.code))
  return codes.join(' ').replaceAll('DATABANK_', '')
}

/** SQLite gives its log the rights of the database. */
function allowAll(): void {
  chmodSync(folder, 0o700)
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o600)
}

const first = new SqliteBank({ path })
await first.save('a', entry('a'))
await first.close()

const seen: Record<string, string> = {}
for (const [what, target, mode] of [
  ['read-only file', path, 0o400],
  ['forbidden file', path, 0o000],
  ['read-only folder', folder, 0o500],
  ['forbidden folder', folder, 0o000],
] as const) {
  chmodSync(target, mode)
  const bank = new SqliteBank({ path })
  seen[what] = await outcomes(bank)
  allowAll()
  // A file that was opened without the right to write fails once more, and is opened anew.
  await bank.save('a', entry('a')).catch(() => {})
  seen[`${what}, allowed again`] = await bank.save('a', entry('a')).then(
    () => 'done',
    (error) => error.code,
  )
  await bank.close()
}
chmodSync(folder, 0o500)
seen['missing folder'] = await new SqliteBank({ path: join(folder, 'sub/a.db') }).open().catch((error) => error.code)
chmodSync(folder, 0o700)
console.log(JSON.stringify(seen))
