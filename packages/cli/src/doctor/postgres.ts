import { importClient } from './clients.ts'
import { clockFinding } from './clock.ts'
import { errorFrom } from './errors.ts'
import { type Examiner, isLocalHost, type Subject, Unusable } from './examination.ts'
import { type Finding, fail, ok, unseen, warn } from './finding.ts'
import { indexFindings, missingRights, TABLE_RIGHTS, type TableNames, tableOf } from './tables.ts'
import { versionFinding } from './versions.ts'

/** The part of pg that is used. */
interface Pg {
  Client: new (options: object) => PgClient
}

interface PgClient {
  readonly host: string
  on(event: string, listener: (error: unknown) => void): unknown
  connect(): Promise<unknown>
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>
  end(): Promise<void>
}

type Row = Readonly<Record<string, unknown>>
type Select = (text: string, ...values: readonly unknown[]) => Promise<Row>

export const postgres: Examiner = {
  readOnly: { createTable: false },

  async *examine(subject) {
    const client = await connect(subject)
    const select: Select = async (text, ...values) => (await client.query(text, values)).rows[0] ?? {}
    try {
      yield* lookAtServer(select)
      yield await clockFinding('PostgreSQL', async () =>
        Number((await select('select extract(epoch from clock_timestamp()) * 1000 as now'))['now']),
      )
      yield await lookAtTls(select, client.host)
      yield await lookAtUser(select)
      yield* lookAtTable(select, subject)
    } finally {
      await client.end().catch(() => {})
    }
  },
}

async function connect({ url, options, timeout }: Subject): Promise<PgClient> {
  const { Client } = await importClient<Pg>('postgres', 'pg')
  const given = (options['poolOptions'] ?? {}) as object
  const client = new Client({ connectionTimeoutMillis: timeout, query_timeout: timeout, connectionString: url, ...given })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('set default_transaction_read_only = on')
  } catch (error) {
    throw errorFrom('PostgreSQL', error, /authentication|password|permission|no pg_hba|role .* does not exist/)
  }
  return client
}

async function* lookAtServer(select: Select): AsyncGenerator<Finding> {
  const row = await select(
    `select current_setting('server_version') as version, pg_is_in_recovery() as replica, current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as commit, current_setting('autovacuum') as autovacuum`,
  )
  yield versionFinding('PostgreSQL', String(row['version']).split(' ')[0]!)
  if (row['replica'] === true) yield fail('role', 'this server is a replica, and takes no writes', 'name the primary in the URL')
  if (row['fsync'] === 'off')
    yield warn('durability', 'fsync is off: a crash of the machine can destroy the database', 'alter system set fsync = on')
  else if (row['commit'] === 'off') {
    yield warn(
      'durability',
      'synchronous_commit is off: a crash can bring back what was logged out',
      'alter system set synchronous_commit = on',
    )
  } else yield ok('durability', `fsync is on, synchronous_commit is ${row['commit']}`)
  if (row['autovacuum'] === 'off')
    yield warn('autovacuum', 'is off: each touch leaves a dead row', 'alter system set autovacuum = on')
}

async function lookAtTls(select: Select, host: string): Promise<Finding> {
  const { ssl, version } = await select('select ssl, version from pg_stat_ssl where pid = pg_backend_pid()')
  if (ssl === true) return ok('TLS', `the connection is encrypted (${version})`)
  if (host.startsWith('/') || isLocalHost(host)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions cross the network in plain text', '?sslmode=verify-full at the end of the URL')
}

async function lookAtUser(select: Select): Promise<Finding> {
  const row = await select(
    'select rolname as name, rolsuper as super, rolcreaterole as roles, rolcreatedb as databases from pg_roles where rolname = current_user',
  )
  const wide = Object.entries({ superuser: row['super'], createrole: row['roles'], createdb: row['databases'] })
  const held = wide.filter(([, has]) => has === true).map(([name]) => name)
  if (held.length === 0) return ok('user', `${row['name']} has no rights on the whole server`)
  const without = held.map((name) => `no${name}`).join(' ')
  return warn(
    'user',
    `${row['name']} may do more than a session store needs: ${held.join(', ')}`,
    `alter role "${row['name']}" ${without}`,
  )
}

async function* lookAtTable(select: Select, { options }: Subject): AsyncGenerator<Finding> {
  const names = tableOf(options)
  const quoted = [options['schema'], names.table]
    .filter((part) => part !== undefined)
    .map(quote)
    .join('.')
  const { oid, user } = await select('select to_regclass($1)::oid::int8::text as oid, quote_ident(current_user) as user', quoted)
  if (oid === null || oid === undefined) yield* lookAtMissingTable(select, options, quoted, String(user))
  yield* lookAtRights(select, oid, quoted, String(user))
  yield* indexFindings(names, await indexedColumns(select, oid), quoted)
  yield* lookAtId(select, oid, names, quoted)
  yield* lookAtTimeZone(select, oid, names)
}

async function* lookAtMissingTable(
  select: Select,
  options: Subject['options'],
  quoted: string,
  user: string,
): AsyncGenerator<Finding> {
  const schema = options['schema'] ?? (await select('select current_schema() as name'))['name'] ?? 'public'
  const { may } = await select(`select has_schema_privilege(to_regnamespace($1), 'create') as may`, quote(schema))
  const isCreated = options['createTable'] !== false && may === true
  if (isCreated) yield warn('table', `${quoted} does not exist; the store creates it on first use`, 'start the application')
  else
    yield fail(
      'table',
      `${quoted} does not exist, and the store may not create it`,
      `grant create on schema ${quote(schema)} to ${user}`,
    )
  throw new Unusable()
}

async function* lookAtRights(select: Select, oid: unknown, quoted: string, user: string): AsyncGenerator<Finding> {
  const columns = TABLE_RIGHTS.map((right) => `has_table_privilege($1::oid, '${right}') as ${quote(right)}`)
  const held = await select(`select ${columns.join(', ')}`, oid)
  const missing = TABLE_RIGHTS.filter((right) => held[right] !== true)
  yield missingRights(missing, quoted, user)
  if (missing.includes('select')) throw new Unusable()
}

async function indexedColumns(select: Select, oid: unknown): Promise<string[]> {
  const { names } = await select(
    `select array_agg(a.attname::text) as names from pg_index as i join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = $1::oid and i.indisvalid`,
    oid,
  )
  return (names as string[] | null) ?? []
}

async function* lookAtId(select: Select, oid: unknown, { id }: TableNames, quoted: string): AsyncGenerator<Finding> {
  const row = await select(
    `select c.collname as name, c.collisdeterministic as exact from pg_attribute as a join pg_collation as c on c.oid = a.attcollation
     where a.attrelid = $1::oid and a.attname = $2`,
    oid,
    id,
  )
  if (row['exact'] === false) {
    const message = `${id} has the collation ${row['name']}, which takes different ids for one`
    yield fail('collation', message, `alter table ${quoted} alter column ${id} type text collate "C"`)
  } else if (row['name'] !== undefined) yield ok('collation', `${id} tells ids apart byte by byte (${row['name']})`)
}

/** A time without a time zone is local time of the connection. */
async function* lookAtTimeZone(select: Select, oid: unknown, { expires }: TableNames): AsyncGenerator<Finding> {
  try {
    const { type, zone } = await select(
      `select atttypid::regtype::text as type, current_setting('TimeZone') as zone from pg_attribute where attrelid = $1::oid and attname = $2`,
      oid,
      expires,
    )
    if (type !== 'timestamp without time zone') return
    if (/^(Etc\/)?(UTC|GMT|Universal|Zulu)$/i.test(String(zone)))
      yield ok('time zone', `${expires} is local time, and the time zone is ${zone}`)
    else
      yield warn(
        'time zone',
        `${expires} is local time of ${zone}: sessions expire an hour off when the clocks change`,
        `alter role current_user set timezone = 'UTC'`,
      )
  } catch (error) {
    yield unseen('time zone', error)
  }
}

function quote(name: unknown): string {
  return `"${String(name).replaceAll('"', '""')}"`
}
