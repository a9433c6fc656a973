// Code for MariaDB and MySQL: a server starts on a copy of data that is made once.
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort, isListening, Program, scratchFolder } from '../program.js'
import { makeCertificate } from './certificate.js'

/**
 * @typedef {object} Installed how to run a server's program, and the data to copy
 * @property {string} command
 * @property {string[]} args
 * @property {string} data
 * @property {Record<string, string>} [env]
 *
 * @typedef {object} MysqlOptions
 * @property {boolean} [tls] accepts TLS connections only, with the certificate `ca`. Default: false
 * @property {Record<string, string | number>} [settings] options of the command line, without `--`
 */

// Faster, and still durable for the tests: committed data survives kill -9, but not a failure of the machine.
const SETTINGS = { 'innodb-flush-log-at-trx-commit': 2, 'innodb-buffer-pool-size': '32M' }

const ACCOUNT = `create database if not exists test;
create user if not exists databank@'%' identified by 'secret';
grant all on *.* to databank@'%' with grant option;
`

/** The server runs as root only with this option. */
export const asThisUser = `--user=${userInfo().username}`

/**
 * Makes the data of a new server, unless it exists.
 * @param {string} data its folder
 * @param {(folder: string) => Promise<unknown>} make
 */
export async function makeDataOnce(data, make) {
  if (existsSync(data)) return
  const draft = `${data}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(dirname(draft), { recursive: true })
  await make(draft)
  await rename(draft, data)
}

/**
 * Starts a server with a folder of its own on a free port. After `program.stop()`, `program.start()` starts it again with the same data.
 * `url` has the database `test` and a user with all privileges.
 * @param {Installed} installed
 * @param {MysqlOptions} [options]
 */
export async function startMysqlServer({ command, args, data: made, env }, { tls = false, settings = {} } = {}) {
  const [{ path: folder, remove }, port] = [await scratchFolder(), await freePort()]
  const [data, account] = [join(folder, 'data'), join(folder, 'account.sql')]
  await cp(made, data, { recursive: true })
  await writeFile(account, ACCOUNT)
  const certificate = tls ? await makeCertificate(folder) : undefined
  const secure = certificate && { 'ssl-cert': certificate.cert, 'ssl-key': certificate.key, 'require-secure-transport': 'on' }
  const all = {
    datadir: data,
    port,
    'bind-address': '127.0.0.1',
    socket: join(folder, 'socket'),
    'pid-file': join(folder, 'pid'),
    // MariaDB deletes the temporary tables in this folder when it starts, also those of other servers.
    tmpdir: folder,
    'init-file': account,
    ...SETTINGS,
    ...secure,
    ...settings,
  }
  const program = new Program({
    command,
    args: [...args, '--skip-name-resolve', '--skip-log-bin', ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)],
    cwd: folder,
    ...(env && { env }),
    ready: () => isListening(port),
  })
  await program.start()
  return {
    program,
    port,
    folder,
    url: `mysql://databank:secret@127.0.0.1:${port}/test`,
    ca: certificate && (await readFile(certificate.cert, 'utf8')),
    async stop() {
      await program.stop()
      await remove()
    },
  }
}
