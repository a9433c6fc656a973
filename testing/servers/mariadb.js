// MariaDB from Debian's packages, unpacked into .cache. `MARIADB_URL` adds a server, for the conformance suites only.
import { join } from 'node:path'
import { isProgram, run } from '../tools/command.js'
import { librariesIn, unpackDebian } from '../tools/debian.js'
import { asThisUser, makeDataOnce, startMysqlServer } from '../tools/mysql-server.js'
import { cacheFolder, server } from './index.js'

const SERVER = ['mariadb-server', 'mariadb-server-core', 'mariadb-client-core', 'mariadb-common']
const LIBRARIES = ['libaio1', 'liburing2']

/** @typedef {import('../tools/mysql-server.js').Installed} Installed */

export const packageName = 'mysql'
export const title = 'MariaDB'

/** @returns {Promise<{ installed: Installed, version: string, url?: string }>} */
export async function provide() {
  const url = process.env['MARIADB_URL']
  const folder = join(cacheFolder, 'mariadb')
  const [command, base, data] = [join(folder, 'usr/sbin/mariadbd'), join(folder, 'usr'), join(folder, 'data')]
  if (!(await isProgram(command))) await unpackDebian([...SERVER, ...LIBRARIES], folder)
  const env = { LD_LIBRARY_PATH: await librariesIn(folder) }
  const environment = { env: { ...process.env, ...env } }
  await makeDataOnce(data, (draft) =>
    run(
      join(base, 'bin/mariadb-install-db'),
      [
        '--no-defaults',
        '--auth-root-authentication-method=normal',
        `--basedir=${base}`,
        `--datadir=${draft}`,
        asThisUser,
        '--skip-test-db',
        '--innodb-log-file-size=8M',
      ],
      environment,
    ),
  )
  const args = ['--no-defaults', asThisUser, `--basedir=${base}`, `--lc-messages-dir=${join(base, 'share/mysql')}`]
  const said = await run(command, ['--no-defaults', '--version'], environment)
  return { installed: { command, args, data, env }, version: `MariaDB ${/Ver ([\d.]+)/.exec(said)?.[1]}`, ...(url && { url }) }
}

/**
 * Starts a server with a folder of its own on a free port.
 * @param {import('../tools/mysql-server.js').MysqlOptions} [options]
 */
export async function startMariadb(options) {
  const { installed, missing } = server('mariadb')
  if (missing !== undefined) throw new Error(`no MariaDB: ${missing}`)
  return startMysqlServer(/** @type {Installed} */ (installed), options)
}
