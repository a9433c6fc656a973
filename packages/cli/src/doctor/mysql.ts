import { importClient } from './clients.ts'
import { clockFinding } from './clock.ts'
import { errorFrom } from './errors.ts'
import { type Examiner, isLocalHost, type Subject, Unusable } from './examination.ts'
import { type Finding, fail, ok, warn } from './finding.ts'
import { indexFindings, missingRights, TABLE_RIGHTS, type TableNames, tableOf } from './tables.ts'
import { versionFinding } from './versions.ts'

/** The part of mysql2 that is used. */
interface Mysql {
  createConnection(options: object): Connection
}

interface Connection {
  on(event: string, listener: (error: unknown) => void): unknown
  connect(callback: (error: unknown) => void): void
  query(options: object, callback: (error: unknown, rows: Row[]) => void): void
  destroy(): void
}

type Row = Readonly<Record<string, unknown>>
type Select = (sql: string, ...values: readonly unknown[]) => Promise<Row[]>

export const mysql: Examiner = {
  readOnly: { createTable: false },

  async *examine(subject) {
    const connection = await connect(subject)
    const select: Select = (sql, ...values) =>
      new Promise((resolve, reject) => {
        const query = { sql, values, timeout: subject.timeout }
        connection.query(query, (error, rows) => (error ? reject(error) : resolve(rows)))
      })
    try {
      yield* lookAtServer(select)
      yield await clockFinding('the server', async () =>
        Number((await select('select unix_timestamp(now(6)) * 1000 as now'))[0]!['now']),
      )
      yield await lookAtTls(select, subject)
      yield* lookAtTable(select, subject)
    } finally {
      connection.destroy()
    }
  },
}

async function connect({ url, options, timeout }: Subject): Promise<Connection> {
  const { createConnection } = await importClient<Mysql>('mysql', 'mysql2')
  const { connectionLimit: _, ...given } = (options['poolOptions'] ?? {}) as { connectionLimit?: number }
  const connection = createConnection({ uri: url.replace(/^mariadb:/i, 'mysql:'), connectTimeout: timeout, ...given })
  connection.on('error', () => {})
  try {
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))
  } catch (error) {
    throw errorFrom('MySQL', error, /denied|not allowed|authentication|blocked/i)
  }
  return connection
}

async function* lookAtServer(select: Select): AsyncGenerator<Finding> {
  const [row = {}] = await select(
    'select version() as version, @@global.read_only as ro, @@global.innodb_flush_log_at_trx_commit as flush, @@global.max_allowed_packet as packet',
  )
  const version = String(row['version'])
  yield versionFinding(version.includes('MariaDB') ? 'MariaDB' : 'MySQL', version.split('-')[0]!)
  if (isOn(row['ro'])) yield fail('role', 'this server is read-only', 'name the primary in the URL')
  if (Number(row['flush']) === 1) yield ok('durability', 'each commit is flushed')
  else
    yield warn(
      'durability',
      'a crash of the machine can bring back what was logged out',
      'set global innodb_flush_log_at_trx_commit = 1',
    )
  const packet = Number(row['packet'])
  if (packet < 1_048_576)
    yield warn(
      'max_allowed_packet',
      `sessions of more than ${packet} bytes cannot be stored`,
      'set global max_allowed_packet = 16777216',
    )
}

function isOn(value: unknown): boolean {
  return value === 1 || /^(1|on)$/i.test(String(value))
}

async function lookAtTls(select: Select, { url }: Subject): Promise<Finding> {
  const [row] = await select(`show session status like 'Ssl_cipher'`)
  const cipher = String(row?.['Value'] ?? '')
  if (cipher !== '') return ok('TLS', `the connection is encrypted (${cipher})`)
  if (isLocalHost(new URL(url).hostname)) return ok('TLS', 'not needed: the server is on this machine')
  return warn('TLS', 'sessions cross the network in plain text', `poolOptions: { ssl: { ca: fs.readFileSync('ca.pem') } }`)
}

interface Place {
  readonly schema: string
  readonly table: string
  readonly quoted: string
}

async function* lookAtTable(select: Select, { options }: Subject): AsyncGenerator<Finding> {
  const names = tableOf(options)
  const [row] = await select('select database() as name, current_user() as user')
  const schema = String(options['schema'] ?? row!['name'])
  const place: Place = { schema, table: names.table, quoted: `\`${schema}\`.\`${names.table}\`` }
  const grants = (await select('show grants')).map((grant) => String(Object.values(grant)[0]))
  yield* lookAtRights(grants, place, userOf(String(row!['user'])))
  const [table] = await select(
    'select engine as engine from information_schema.tables where table_schema = ? and table_name = ?',
    schema,
    names.table,
  )
  if (table === undefined) yield* lookAtMissingTable(options, place)
  if (table!['engine'] !== 'InnoDB') {
    yield warn('table', `its engine is ${table!['engine']}: a crash can damage it`, `alter table ${place.quoted} engine = InnoDB`)
  }
  yield* lookAtIndexes(select, names, place)
  yield* lookAtId(select, names, place)
}

async function* lookAtMissingTable(options: Subject['options'], { quoted }: Place): AsyncGenerator<Finding> {
  if (options['createTable'] === false)
    yield fail('table', `${quoted} does not exist, and createTable is false`, 'createTable: true')
  else yield warn('table', `${quoted} does not exist; the store creates it on first use, if it may`, 'start the application')
  throw new Unusable()
}

/** As `grant` names it: 'user'@'host'. */
function userOf(user: string): string {
  return user
    .split('@')
    .map((part) => `'${part}'`)
    .join('@')
}

/** The rights in a line of `show grants`: `GRANT SELECT, INSERT ON `app`.* TO …`. */
function grantOf(line: string): { rights: string[]; on: string } | undefined {
  const [, rights, on] = /^GRANT (.+?) ON (\S+) TO /i.exec(line) ?? []
  return rights === undefined ? undefined : { rights: rights.toLowerCase().split(/, */), on: on!.replaceAll('`', '') }
}

function* lookAtRights(lines: readonly string[], { schema, table, quoted }: Place, user: string): Generator<Finding> {
  const grants = lines.map(grantOf).filter((grant) => grant !== undefined)
  const places = ['*.*', `${schema}.*`, `${schema.replaceAll('_', '\\_')}.*`, `${schema}.${table}`]
  const held = grants.filter(({ on }) => places.includes(on)).flatMap(({ rights }) => rights)
  const missing = TABLE_RIGHTS.filter((right) => !held.includes(right) && !held.includes('all privileges'))
  // A role may give the missing rights.
  const hasRoles = lines.some((line) => grantOf(line) === undefined && /^GRANT /i.test(line) && !/PROXY/.test(line))
  if (missing.length === 0 || !hasRoles) yield missingRights(missing, quoted, user)
  const wide = grants.find(({ rights, on }) => on === '*.*' && rights.some((right) => right !== 'usage'))
  if (wide === undefined) yield ok('user', `${user} has no rights on the whole server`)
  else
    yield warn(
      'user',
      `${user} may do more than a session store needs: ${wide.rights.slice(0, 3).join(', ')} on *.*`,
      // In this order: on MySQL 9, the first statement takes the rights on the database as well.
      `revoke all privileges on *.* from ${user}; grant ${TABLE_RIGHTS.join(', ')}, create, index on \`${schema}\`.* to ${user}`,
    )
  if (missing.includes('select') && !hasRoles) throw new Unusable()
}

async function* lookAtIndexes(select: Select, names: TableNames, { schema, table, quoted }: Place): AsyncGenerator<Finding> {
  const rows = await select(
    'select column_name as name from information_schema.statistics where table_schema = ? and table_name = ? and seq_in_index = 1',
    schema,
    table,
  )
  for (const finding of indexFindings(
    names,
    rows.map((row) => String(row['name'])),
    quoted,
  )) {
    const fix = finding.fix?.replace(/^create index on (.*) \(/, 'alter table $1 add index (')
    yield { ...finding, ...(fix !== undefined && { fix }) }
  }
}

async function* lookAtId(select: Select, { id }: TableNames, { schema, table, quoted }: Place): AsyncGenerator<Finding> {
  const [row = {}] = await select(
    'select collation_name as collation, column_type as type from information_schema.columns where table_schema = ? and table_name = ? and column_name = ?',
    schema,
    table,
    id,
  )
  const collation = row['collation'] as string | null | undefined
  if (collation == null || collation.endsWith('_bin') || collation === 'binary')
    yield ok('collation', `${id} tells ids apart byte by byte`)
  else {
    const fix = `alter table ${quoted} modify ${id} ${row['type']} character set utf8mb4 collate utf8mb4_bin not null`
    yield warn('collation', `${id} has the collation ${collation}: two ids that it takes for one cannot be stored both`, fix)
  }
}
