// MySQL 9 from Debian's unstable release, with the C library that it was built for. `MYSQL_URL` adds a server, for the conformance suites
// only.
import { join } from 'node:path'
import { isProgram, run } from '../tools/command.js'
import { librariesIn, loaderIn, optionsForRelease, unpackDebian } from '../tools/debian.js'
import { asThisUser, makeDataOnce, startMysqlServer } from '../tools/mysql-server.js'
import { cacheFolder, server } from './index.js'

/** The server and all libraries that it needs: the machine's own may be too old. The list may change with the release. */
const PACKAGES = `mysql-server-core
  libaio1t64 libbrotli1 libbz2-1.0 libc6 libcbor0.10 libcom-err2 libcrypt1 libcurl4t64 libfido2-1 libgcc-s1 libgoogle-perftools4t64
  libgssapi-krb5-2 libicu78 libidn2-0 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblz4-1 liblzma5 libmecab2
  libnghttp2-14 libnghttp3-9 libngtcp2-16 libngtcp2-crypto-ossl0 libnuma1 libprotobuf-lite32t64 libprotobuf32t64 libpsl5t64 libsasl2-2
  libsasl2-modules-db libssh2-1t64 libssl3t64 libstdc++6 libtcmalloc-minimal4t64 libtirpc-common libtirpc3t64 libudev1 libunistring5
  libunwind8 libxxhash0 libzstd1 zlib1g`.split(/\s+/)

/** @typedef {import('../tools/mysql-server.js').Installed} Installed */

export const packageName = 'mysql'
export const title = 'MySQL'
/** Debian's unstable release changes, so the server may be missing for a while. */
export const isOptional = true

/** @returns {Promise<{ installed: Installed, version: string, url?: string }>} */
export async function provide() {
  const url = process.env['MYSQL_URL']
  const folder = join(cacheFolder, 'mysql')
  const [program, base, data] = [join(folder, 'usr/sbin/mysqld'), join(folder, 'usr'), join(folder, 'data')]
  if (!(await isProgram(program))) await unpackDebian(PACKAGES, folder, await optionsForRelease('sid', join(cacheFolder, 'sid')))
  const libraries = await librariesIn(folder)
  const command = await loaderIn(libraries)
  const called = ['--library-path', `${libraries}:${join(libraries, 'mysql')}`, program, '--no-defaults', asThisUser]
  const args = [...called, `--basedir=${base}`, `--lc-messages-dir=${join(base, 'share/mysql')}`]
  await makeDataOnce(data, (draft) => run(command, [...args, `--datadir=${draft}`, '--initialize-insecure']))
  const said = await run(command, [...called, '--version'])
  const others = [
    '--secure-file-priv=',
    `--plugin-dir=${join(base, 'lib/mysql/plugin')}`,
    '--mysqlx=OFF',
    '--performance-schema=OFF',
  ]
  return {
    installed: { command, args: [...args, ...others], data },
    version: `MySQL ${/Ver ([\d.]+)/.exec(said)?.[1]}`,
    ...(url && { url }),
  }
}

/**
 * Starts a server with a folder of its own on a free port.
 * @param {import('../tools/mysql-server.js').MysqlOptions} [options]
 */
export async function startMysql(options) {
  const { installed, missing } = server('mysql')
  if (missing !== undefined) throw new Error(`no MySQL: ${missing}`)
  return startMysqlServer(/** @type {Installed} */ (installed), options)
}
