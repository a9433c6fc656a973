// PgBouncer of the machine, else of Debian's packages, unpacked into the cache.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, isListening, Program, scratchFolder } from '../../../testing/program.js'
import { isProgram, onPath } from '../../../testing/tools/command.js'
import { librariesIn, unpackDebian } from '../../../testing/tools/debian.js'
import { allowTraversal, makeServerOwner, programFolder, serverUser } from '../../../testing/tools/unprivileged.js'

const PACKAGES = ['pgbouncer', 'libc-ares2', 'libevent-2.1-7']

interface Binary {
  readonly command: string
  readonly env?: Record<string, string>
}

/** The program, or the reason why there is none. */
export async function findPgbouncer(): Promise<Binary | string> {
  const installed = await onPath('pgbouncer')
  if (installed !== undefined) return { command: installed }
  const folder = await programFolder('pgbouncer')
  const command = join(folder, 'usr/sbin/pgbouncer')
  try {
    if (!(await isProgram(command))) await unpackDebian(PACKAGES, folder)
    return { command, env: { LD_LIBRARY_PATH: await librariesIn(folder) } }
  } catch (error) {
    return `no PgBouncer: ${error instanceof Error ? error.message : error}`
  }
}

/** Starts it in front of a server. A connection to the server is lent for one transaction, and there are two. */
export async function startPgbouncer({ command, env }: Binary, serverPort: number) {
  const [{ path: folder, remove }, port] = [await scratchFolder(), await freePort()]
  await allowTraversal(folder)
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
`,
  )
  await makeServerOwner(folder)
  const program = new Program({
    command,
    args: [config],
    ...(env && { env }),
    cwd: folder,
    ...(serverUser !== undefined && { uid: serverUser }),
    ready: () => isListening(port),
  })
  await program.start()
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    program,
    async stop() {
      await program.stop()
      await remove()
    },
  }
}
